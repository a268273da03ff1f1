/* SHA-256 against NIST's examples for FIPS 180-4, and its behaviour at every length around a block's end, in one piece and
 * in many. */
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "test/test.h"

static int gives(const char *text, size_t times, const char *expected)
{
    Sha256 sha;
    char found[SHA256_TEXT_SIZE];
    size_t i;

    sha256_begin(&sha);
    for (i = 0; i < times; i++)
        sha256_update(&sha, text, strlen(text));
    sha256_text(&sha, found);
    return strcmp(found, expected) == 0;
}

/* All lengths up to 200 in one piece and byte by byte, folded into one checksum, which Python's hashlib gave. */
static void test_lengths(void)
{
    unsigned char data[200];
    char one[SHA256_TEXT_SIZE], many[SHA256_TEXT_SIZE];
    Sha256 all, sha;
    size_t length, i;
    int equal = 1;

    for (i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7 + 3);
    sha256_begin(&all);
    for (length = 0; length <= sizeof data; length++) {
        sha256_begin(&sha);
        sha256_update(&sha, data, length);
        sha256_text(&sha, one);
        sha256_begin(&sha);
        for (i = 0; i < length; i++)
            sha256_update(&sha, data + i, 1);
        sha256_text(&sha, many);
        equal &= strcmp(one, many) == 0;
        sha256_update(&all, one, 64);
    }
    sha256_text(&all, one);
    check(equal, "pieces give what the whole gives", "they differ");
    check(strcmp(one, "530566f39d545b371e5360fbfe251c0da6410ba297e67392dfaec0cb575d67ed") == 0,
          "all lengths to 200", "%s", one);
}

int main(void)
{
    check(gives("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), "nothing", "differs");
    check(gives("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), "abc", "differs");
    check(gives("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
          "two blocks", "differs");
    check(gives("aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
          "a million a", "differs");
    test_lengths();
    return 0;
}
