# make            the command ./lake and the library liblake.a (any C11 compiler: make CC=clang, make CC=tcc)
# make demo       the whole method on the small model and pictures inside ./lake; results in lake-demo/
# make test       every test; the last line counts them
# make asan       the same tests under AddressSanitizer and UndefinedBehaviorSanitizer
# make fuzz       build/fuzz/test/fuzz/*, the readers under libFuzzer (clang); doc/FUZZING.md
# make bench      build/bench/decode, gallery and metrics, the timing programs of doc/SPEED.md
# make EMBED=no   ./lake without the demo's model and pictures: some megabytes smaller
# make install    PREFIX=/usr/local DESTDIR=
# make clean
#
# Needs GNU make and a C compiler. Without GNU make, one line does it (plain C kernels, one thread); doc/PORTING.md.

CC ?= cc
CFLAGS ?= -O3
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
OPENMP ?= yes
EMBED ?= yes

WARNINGS := -Wall -Wextra -Wpedantic
STANDARD := -std=c11
INCLUDES := -I. -I$(BUILD)

# ---- what this compiler can do -----------------------------------------------------------------------------

$(shell mkdir -p $(BUILD))

# $(call accepts,FLAGS,PROGRAM): the flags where the compiler builds the program with them, else nothing.
accepts = $(shell printf '%b\n' '$(2)' > $(BUILD)/probe.c; \
	$(CC) $(STANDARD) $(CFLAGS) $(1) $(BUILD)/probe.c -o $(BUILD)/probe -lm >/dev/null 2>&1 && echo '$(1)')

EMPTY := int main(void) { return 0; }
FLAGS_FP := $(call accepts,-ffp-contract=off,$(EMPTY))
FLAGS_DEPENDENCIES := $(call accepts,-MMD -MP,$(EMPTY))
ifeq ($(OPENMP),yes)
FLAGS_OPENMP := $(call accepts,-fopenmp,\043include <omp.h>\n int main(void) { return omp_get_max_threads() < 1; })
endif
FLAGS_AVX2 := $(call accepts,-mavx2 -mfma -mf16c,\043include <immintrin.h>\n int main(void) { __m256 a = _mm256_setzero_ps(); a = _mm256_fmadd_ps(a, a, a); return (int)_mm256_cvtss_f32(a); })
FLAGS_AVX512 := $(call accepts,-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c,\043include <immintrin.h>\n int main(void) { __m512 a = _mm512_setzero_ps(); a = _mm512_fmadd_ps(a, a, a); return (int)_mm512_cvtss_f32(a); })
FLAGS_AVXVNNI := $(call accepts,-mavx2 -mfma -mf16c -mavxvnni,\043include <immintrin.h>\n int main(void) { __m256i a = _mm256_setzero_si256(); a = _mm256_dpbusd_avx_epi32(a, a, a); return _mm256_extract_epi32(a, 0); })
FLAGS_AVX512VNNI := $(call accepts,$(FLAGS_AVX512) -mavx512vnni,\043include <immintrin.h>\n int main(void) { __m512i a = _mm512_setzero_si512(); a = _mm512_dpbusd_epi32(a, a, a); return _mm512_cvtsi512_si32(a); })
FLAGS_AVX512BF16 := $(call accepts,$(FLAGS_AVX512VNNI) -mavx512bf16,\043include <immintrin.h>\n int main(void) { __m512 a = _mm512_setzero_ps(); a = _mm512_dpbf16_ps(a, _mm512_cvtne2ps_pbh(a, a), _mm512_cvtne2ps_pbh(a, a)); return (int)_mm512_cvtss_f32(a); })
FLAGS_NEONDOT := $(call accepts,-march=armv8.2-a+dotprod,\043include <arm_neon.h>\n int main(void) { int32x4_t a = vdupq_n_s32(0); a = vdotq_s32(a, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(a)); return vgetq_lane_s32(a, 0); })
FLAGS_NEONBF16 := $(call accepts,-march=armv8.2-a+dotprod+bf16,\043include <arm_neon.h>\n int main(void) { float32x4_t a = vdupq_n_f32(0); a = vbfdotq_f32(a, vreinterpretq_bf16_f32(a), vreinterpretq_bf16_f32(a)); return (int)vgetq_lane_f32(a, 0); })

ALL_CFLAGS = $(STANDARD) $(WARNINGS) $(FLAGS_FP) $(FLAGS_OPENMP) $(INCLUDES) $(CFLAGS)

# ---- what is built -----------------------------------------------------------------------------------------

LIBRARY_SOURCES := $(filter-out main.c,$(wildcard *.c)) $(wildcard method/*.c eval/*.c base/*.c image/*.c weights/*.c convert/*.c kernel/*.c)
COMMAND_SOURCES := main.c $(wildcard cli/*.c)
TEST_SOURCES := $(wildcard test/test_*.c)
FUZZ_SOURCES := $(wildcard test/fuzz/fuzz_*.c)

LIBRARY_OBJECTS := $(LIBRARY_SOURCES:%.c=$(BUILD)/%.o)
COMMAND_OBJECTS := $(COMMAND_SOURCES:%.c=$(BUILD)/%.o)
FUZZ_PROGRAMS := $(FUZZ_SOURCES:%.c=$(BUILD)/%)
TEST_PROGRAMS := $(TEST_SOURCES:%.c=$(BUILD)/%) $(FUZZ_PROGRAMS)

# The default build puts its results into the project's folder, others keep theirs.
ifeq ($(BUILD),build)
LAKE := lake
LIBRARY := liblake.a
else
LAKE := $(BUILD)/lake
LIBRARY := $(BUILD)/liblake.a
endif

all: $(LAKE) $(LIBRARY)

$(LAKE): $(COMMAND_OBJECTS) $(BUILD)/demo_data.o $(LIBRARY)
	$(CC) $(FLAGS_OPENMP) $(CFLAGS) $(LDFLAGS) -o $@ $(COMMAND_OBJECTS) $(BUILD)/demo_data.o $(LIBRARY) -lm

$(LIBRARY): $(LIBRARY_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $(LIBRARY_OBJECTS)

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(dir $@)
	$(CC) $(ALL_CFLAGS) $(FLAGS_FILE) $(FLAGS_DEPENDENCIES) -c -o $@ $<

$(BUILD)/test/%: test/%.c $(LIBRARY) $(BUILD)/flags
	@mkdir -p $(dir $@)
	$(CC) $(ALL_CFLAGS) $(FLAGS_DEPENDENCIES) $(LDFLAGS) -o $@ $< $(LIBRARY) -lm

# A fuzz target over its corpus, or, with libFuzzer, whose flag brings a main of its own, over what it makes up.
FUZZ_MAIN := test/fuzz/main.c
$(BUILD)/test/fuzz/%: test/fuzz/%.c test/fuzz/fuzz.c test/fuzz/main.c test/fuzz/fuzz.h base/file.c $(LIBRARY) $(BUILD)/flags
	@mkdir -p $(dir $@)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< test/fuzz/fuzz.c $(FUZZ_MAIN) $(LIBRARY) -lm

# One instruction set per file; kernel/dispatch.c chooses among what was compiled by what the CPU has.
$(BUILD)/kernel/kernel_avx2.o $(BUILD)/kernel/pixels_avx2.o: FLAGS_FILE := $(FLAGS_AVX2)
$(BUILD)/kernel/kernel_avxvnni.o: FLAGS_FILE := $(FLAGS_AVXVNNI)
$(BUILD)/kernel/kernel_avx512.o: FLAGS_FILE := $(FLAGS_AVX512)
$(BUILD)/kernel/kernel_avx512vnni.o: FLAGS_FILE := $(FLAGS_AVX512VNNI)
$(BUILD)/kernel/kernel_avx512bf16.o: FLAGS_FILE := $(FLAGS_AVX512BF16)
$(BUILD)/kernel/kernel_neondot.o: FLAGS_FILE := $(FLAGS_NEONDOT)
$(BUILD)/kernel/kernel_neonbf16.o: FLAGS_FILE := $(FLAGS_NEONBF16)

# The default prompts are a text file that users replace; the program carries them as a string.
$(BUILD)/method/prompts.o: $(BUILD)/prompts.inc
$(BUILD)/prompts.inc: weights/prompts.txt
	sed -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$$/\\n"/' weights/prompts.txt > $@

# The demo's model and pictures are C in the command alone (weights/demo/demo.h). Made again when one of the files changes,
# and, by the list, when one comes or goes or EMBED changes.
DEMO_FOLDER := $(if $(filter no,$(EMBED)),,weights/demo)
DEMO_FILES := $(if $(DEMO_FOLDER),$(sort $(shell find weights/demo/demo.clip weights/demo/pictures -type f 2>/dev/null)))

$(BUILD)/demo_data.c: weights/demo/embed.sh $(DEMO_FILES) $(BUILD)/demo_list
	sh weights/demo/embed.sh $(DEMO_FOLDER) > $@ || { rm -f $@; exit 1; }

$(BUILD)/demo_data.o: $(BUILD)/demo_data.c weights/demo/demo.h $(BUILD)/flags
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/demo_list: FORCE
	@echo '$(DEMO_FILES)' | cmp -s - $@ || echo '$(DEMO_FILES)' > $@

# Rebuild when the compiler or its flags change, not only when a file does.
FLAGS_NOW := $(CC) $(ALL_CFLAGS) | $(FLAGS_AVX2) $(FLAGS_AVXVNNI) $(FLAGS_AVX512BF16) $(FLAGS_NEONBF16) | $(LDFLAGS)
$(BUILD)/flags: FORCE
	@echo '$(FLAGS_NOW)' | cmp -s - $@ || echo '$(FLAGS_NOW)' > $@

# ---- the demo ----------------------------------------------------------------------------------------------

demo: all
	$(abspath $(LAKE)) demo

# ---- tests -------------------------------------------------------------------------------------------------

test: all $(TEST_PROGRAMS)
	@CC='$(CC)' CFLAGS='$(FLAGS_OPENMP) $(CFLAGS)' sh test/run.sh $(abspath $(LAKE)) $(TEST_PROGRAMS)

asan:
	@$(MAKE) --no-print-directory BUILD=build/asan test \
		CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"

# ---- fuzzing ---------------------------------------------------------------------------------------------------

FUZZ_SANITIZERS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

fuzz:
	@$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang OPENMP=no FUZZ_MAIN= LDFLAGS=-fsanitize=fuzzer \
		CFLAGS="$(FUZZ_SANITIZERS) -fsanitize=fuzzer-no-link" fuzz-programs

fuzz-programs: $(FUZZ_PROGRAMS)

# ---- benchmarks ------------------------------------------------------------------------------------------------

bench: all $(BUILD)/bench/decode $(BUILD)/bench/gallery $(BUILD)/bench/metrics

$(BUILD)/bench/%: bench/%.c $(LIBRARY) $(BUILD)/flags
	@mkdir -p $(dir $@)
	$(CC) $(ALL_CFLAGS) $(FLAGS_DEPENDENCIES) $(LDFLAGS) -o $@ $< $(LIBRARY) -lm

# ---- installing --------------------------------------------------------------------------------------------

PUBLIC_HEADERS := lake.h clip.h tensor.h tokenizer.h method/map.h base/error.h image/image.h image/draw.h weights/weights.h convert/convert.h

install: all
	mkdir -p $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/share/man/man1
	cp $(LAKE) $(DESTDIR)$(PREFIX)/bin/
	cp $(LIBRARY) $(DESTDIR)$(PREFIX)/lib/
	for h in $(PUBLIC_HEADERS); do \
		mkdir -p $(DESTDIR)$(PREFIX)/include/lake/$$(dirname $$h) && \
		cp $$h $(DESTDIR)$(PREFIX)/include/lake/$$h || exit 1; done
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@OPENMP@|$(FLAGS_OPENMP)|' doc/lake.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/lake.pc
	cp doc/lake.1 $(DESTDIR)$(PREFIX)/share/man/man1/

clean:
	rm -rf build lake liblake.a

FORCE:
.PHONY: all demo test asan fuzz fuzz-programs bench install clean FORCE

-include $(LIBRARY_OBJECTS:.o=.d) $(COMMAND_OBJECTS:.o=.d) $(TEST_PROGRAMS:=.d)
