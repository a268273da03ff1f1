/* What happens when a signal ends the program. */
#ifndef LAKE_INTERRUPT_H
#define LAKE_INTERRUPT_H

/* From now on a signal that ends the program (Ctrl-C, kill, a closed terminal, a broken pipe, a limit of the shell) first
 * removes the output that is being written. Signals that the caller has ignored, as nohup does, stay ignored. Without POSIX
 * nothing is changed, and an unfinished output may stay behind under its temporary name. */
void interrupt_clean_up(void);

#endif
