#!/bin/sh
# Writes the demo's model and pictures as C (demo.h) to standard output:
#
#     sh weights/demo/embed.sh weights/demo > build/demo_data.c     demo.clip and pictures/ of that folder
#     sh weights/demo/embed.sh > build/demo_data.c                  nothing: the program's small form
#
# A folder without demo.clip gives nothing, too. Tools of POSIX alone, and no program compiled for the purpose, so that a
# build for another machine is like any other.
#
# Bytes as decimal numbers are the plainest form, and the only one of these that is one array on every machine and that no
# compiler warns about. 3.5 MB of random bytes on one core, the same at -O0 and -O3:
#
#                                            gcc 12.2       clang 14       tcc 0.9.27
#     decimal numbers, od -t u1              3.4 s 373 MB   2.2 s 417 MB   0.3 s 48 MB
#     rows of 4000 bytes as strings          0.2 s  87 MB   0.1 s 107 MB   0.1 s 13 MB
#     words of 64 bits, od -t x8             1.0 s 131 MB   0.4 s 173 MB   0.1 s 15 MB
#
# Rows as strings leave no room for the final 0, of which -Wextra warns from gcc 15 on (its release notes; not tried here).
# Strings longer than 4095 characters are beyond what C11 promises. Words come in the byte order of the machine. od and sed
# take 0.3 s.
set -e
LC_ALL=C
export LC_ALL

# numbers FILE...: their bytes in a row, as an initialiser's lines
numbers() {
    cat "$@" | od -A n -v -t u1 | sed -e 's/^ *//' -e 's/  */,/g' -e 's/$/,/'
}

echo '/* Made by weights/demo/embed.sh. */'
echo '#include "weights/demo/demo.h"'
echo
if [ $# -eq 0 ] || [ ! -e "$1/demo.clip" ]; then
    echo 'const unsigned char demo_weights[1] = {0};'
    echo 'const size_t demo_weights_size = 0;'
    echo 'const DemoPicture demo_pictures[1] = {{NULL, NULL, 0}};'
    echo 'const size_t demo_picture_count = 0;'
    exit
fi
cd "$1"
if [ ! -s demo.clip ] || [ ! -r demo.clip ]; then
    echo "embed.sh: $1/demo.clip: is empty or cannot be read" >&2
    exit 1
fi

# Aligned for floats, so that the tensors can be used where they lie.
echo '_Alignas(float) const unsigned char demo_weights[] = {'
numbers demo.clip
echo '};'
echo 'const size_t demo_weights_size = sizeof demo_weights;'
echo

pictures=
if [ -d pictures ]; then
    pictures=$(find pictures -type f \( -name '*.png' -o -name '*.jpg' -o -name '*.jpeg' \) | sort)
fi
if [ -z "$pictures" ]; then
    echo 'const DemoPicture demo_pictures[1] = {{NULL, NULL, 0}};'
    echo 'const size_t demo_picture_count = 0;'
    exit
fi
# The names stand in C strings and on command lines.
if odd=$(printf '%s\n' "$pictures" | grep '[^A-Za-z0-9_./-]'); then
    echo "embed.sh: $1/$odd: expected a name of letters, digits, '_', '-' and '.'" >&2
    exit 1
fi

# One array of all pictures, and where each begins.
echo 'static const unsigned char files[] = {'
# shellcheck disable=SC2086 # a list of names
numbers $pictures
echo '};'
echo 'const DemoPicture demo_pictures[] = {'
offset=0
for path in $pictures; do
    size=$(wc -c < "$path")
    printf '    {"%s", files + %d, %d},\n' "${path#pictures/}" "$offset" "$size"
    offset=$((offset + size))
done
echo '};'
echo 'const size_t demo_picture_count = sizeof demo_pictures / sizeof *demo_pictures;'
