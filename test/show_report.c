/* Writes the page and the table of a run's folder, for test_report.py, which compiles it:
 *
 *     show_report RESULTS.parts PAGE.html TABLE.csv
 *
 * Prints nothing, or the error; returns its code. */
#include <stdio.h>

#include "eval/report.h"

int main(int count, char **arguments)
{
    Record record;
    Error e = {0, ""};
    int code;

    if (count != 4)
        return LAKE_USAGE;
    code = record_read(&record, arguments[1], &e);
    if (code == LAKE_OK) {
        code = report_write(&record, arguments[2], &e);
        if (code == LAKE_OK)
            code = record_write_table(&record, arguments[3], &e);
        record_close(&record);
    }
    if (code != LAKE_OK)
        printf("%s\n", e.text);
    return code;
}
