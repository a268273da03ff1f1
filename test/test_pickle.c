/* The pickle reader: what CPython's pickler writes is read as the tree it stands for (golden/pickle.txt), what is no plain
 * data is refused with its name and offset, and no damage, cut, bomb or loop makes it crash or take much memory. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "convert/pickle.h"
#include "test/test.h"

/* ---- trees as text, as golden/make_pickle.py writes them ---- */

enum { TEXT_LIMIT = 1 << 16, DEPTH_LIMIT = 50 };

typedef struct {
    char *text; /* [TEXT_LIMIT], silently cut */
    size_t used;
    int depth;
} Writer;

static void write_text(Writer *w, const char *text)
{
    size_t length = strlen(text);

    if (length >= TEXT_LIMIT - w->used)
        length = TEXT_LIMIT - 1 - w->used;
    memcpy(w->text + w->used, text, length);
    w->used += length;
    w->text[w->used] = '\0';
}

static void write_node(Writer *w, const Pickle *node);

static void write_items(Writer *w, const Pickle *node, const char *open, const char *close, int pairs)
{
    size_t i;

    write_text(w, open);
    for (i = 0; i < node->count && w->used < TEXT_LIMIT - 1; i++) {
        write_text(w, i == 0 ? "" : pairs && i % 2 == 1 ? ":" : ",");
        write_node(w, node->items[i]);
    }
    write_text(w, close);
}

static void write_string(Writer *w, const Pickle *node)
{
    char hex[3];
    size_t i;

    write_text(w, node->type == PICKLE_STRING ? "s" : "b");
    for (i = 0; i < node->length; i++) {
        snprintf(hex, sizeof hex, "%02x", (unsigned)(unsigned char)node->string[i]);
        write_text(w, hex);
    }
}

static void write_call(Writer *w, const Pickle *node)
{
    write_text(w, node->function);
    write_node(w, node->arguments);
    if (node->count > 0 || node->state != NULL)
        write_items(w, node, "<", ">", 1);
    if (node->state != NULL)
        write_node(w, node->state);
}

static void write_node(Writer *w, const Pickle *node)
{
    char number[40];

    if (++w->depth > DEPTH_LIMIT) {
        w->depth--;
        return;
    }
    switch (node->type) {
    case PICKLE_NONE: write_text(w, "N"); break;
    case PICKLE_BOOL: write_text(w, node->integer ? "T" : "F"); break;
    case PICKLE_INT:
        snprintf(number, sizeof number, "%lld", (long long)node->integer);
        write_text(w, number);
        break;
    case PICKLE_LONG: write_text(w, "L"); break;
    case PICKLE_FLOAT:
        snprintf(number, sizeof number, "f%.17g", node->number);
        write_text(w, number);
        break;
    case PICKLE_STRING: case PICKLE_BYTES: write_string(w, node); break;
    case PICKLE_TUPLE: write_items(w, node, "(", ")", 0); break;
    case PICKLE_LIST: write_items(w, node, "[", "]", 0); break;
    case PICKLE_SET: write_items(w, node, "{", "}", 0); break;
    case PICKLE_DICT: write_items(w, node, "<", ">", 1); break;
    case PICKLE_GLOBAL: write_text(w, node->string); break;
    case PICKLE_CALL: write_call(w, node); break;
    case PICKLE_PERSISTENT: write_items(w, node, "@", "", 0); break;
    }
    w->depth--;
}

/* ---- reading ---- */

static int is_allowed(const char *global)
{
    return strcmp(global, "collections.OrderedDict") == 0 || strcmp(global, "argparse.Namespace") == 0 ||
           strcmp(global, "__builtin__.set") == 0 || strcmp(global, "m.f") == 0;
}

/* Reads a pickle in a buffer of exactly its size and writes its tree into text[TEXT_LIMIT]; 0 where it is refused. */
static int read_as_text(char *text, const unsigned char *data, size_t size, size_t *used, Error *e)
{
    unsigned char *copy = malloc(size + 1); /* +1: malloc(0) may be NULL */
    Writer w = {NULL, 0, 0};
    PickleTree tree;
    int code;

    memcpy(copy + 1, data, size);
    e->text[0] = text[0] = '\0';
    code = pickle_read(&tree, copy + 1, size, is_allowed, "t.pkl", e);
    free(copy); /* the tree must not point into it */
    *used = tree.size;
    w.text = text;
    if (code == LAKE_OK)
        write_node(&w, tree.root);
    pickle_free(&tree);
    return code == LAKE_OK;
}

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static void test_golden(void)
{
    char *text = malloc(TEXT_LIMIT), *line, *space, *end;
    unsigned char *file, *data;
    size_t size, i, used, lines = 0;
    Error e;

    if (file_read(&file, &size, "test/golden/pickle.txt", (size_t)1 << 24, &e) != LAKE_OK) {
        check(0, "pickle.txt", "%s", e.text);
        free(text);
        return;
    }
    data = malloc(size);
    for (line = (char *)file; *line != '\0'; line = end + 1, lines++) {
        end = strchr(line, '\n');
        space = strchr(line, ' ');
        *end = '\0';
        for (i = 0; line + 2 * i < space; i++)
            data[i] = (unsigned char)(hex_digit(line[2 * i]) << 4 | hex_digit(line[2 * i + 1]));
        check(read_as_text(text, data, i, &used, &e) && strcmp(text, space + 1) == 0 && used == i, "pickle of CPython",
              "line %d, expected %.100s, found %.100s %s", (int)lines + 1, space + 1, text, e.text);
    }
    check(lines > 100, "pickles of CPython", "only %d", (int)lines);
    free(data);
    free(file);
    free(text);
}

/* A string literal and its size without the 0 at its end. */
#define BYTES(literal) (const unsigned char *)(literal), sizeof(literal) - 1

typedef struct {
    const unsigned char *data;
    size_t size;
    const char *expected; /* a tree, or a part of the message */
} Case;

/* What CPython's pickler of Python 3 does not write, and Python 2's or C++'s does. */
static void test_accepted(void)
{
    static const Case cases[] = {
        {BYTES("\x80\x02U\x03" "abc."), "s616263"},
        {BYTES("\x80\x02U\x02\xff\x61."), "bff61"},
        {BYTES("\x80\x02T\x02\0\0\0hi."), "s6869"},
        {BYTES("\x80\x02\x8a\0."), "0"},
        {BYTES("\x80\x02]K\1a."), "[1]"},
        {BYTES("\x80\x02}K\1K\2s."), "<1:2>"},
        {BYTES("\x80\x02" "cm\nf\n)R."), "m.f()"},
        {BYTES("\x80\x02" "cm\nf\nK\1\x85RK\2b."), "m.f(1)<>2"},
        {BYTES("\x80\x02" "cm\nf\n)R}b."), "m.f()<><>"},
        {BYTES("\x80\x02" "c__builtin__\nset\n]K\1a\x85R."), "__builtin__.set([1])"},
        {BYTES("\x80\x02Nr\1\0\0\0h\1\x86."), "(N,N)"},
        {BYTES("\x80\x02N."), "N"},
        {BYTES("\x80\x02N.behind the end"), "N"},
    };
    char *text = malloc(TEXT_LIMIT);
    size_t i, used;
    Error e;

    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        check(read_as_text(text, cases[i].data, cases[i].size, &used, &e) && strcmp(text, cases[i].expected) == 0,
              "pickle accepts", "case %d, expected %s, found %s %s", (int)i, cases[i].expected, text, e.text);
    free(text);
}

static void test_refused(void)
{
    static const Case cases[] = {
        {BYTES(""), "cut off, or a length beyond its end, at byte 0"},
        {BYTES("N."), "no protocol of 2 or later at byte 0"},
        {BYTES("\x80\x01N."), "a protocol other than 2 to 5"},
        {BYTES("\x80\x06N."), "a protocol other than 2 to 5"},
        {BYTES("\x80\x02\x80\x02N."), "named twice, at byte 2"},
        {BYTES("\x80\x02."), "other than one value on the stack at byte 2"},
        {BYTES("\x80\x02NN."), "other than one value on the stack at byte 4"},
        {BYTES("\x80\x02(."), "more values than the stack holds"},
        {BYTES("\x80\x02X\xff\xff\xff\xff" "a."), "a length beyond its end"},
        {BYTES("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff" "a."), "a length beyond its end"},
        {BYTES("\x80\x02T\xff\xff\xff\xff."), "a length beyond its end"},
        {BYTES("\x80\x04\x95\xff\0\0\0\0\0\0\0N."), "a frame beyond the end"},
        {BYTES("\x80\x02X\x01\0\0\0\xff."), "no valid UTF-8 at byte 2"},
        {BYTES("\x80\x02h\0."), "where nothing was put"},
        {BYTES("\x80\x02j\0\0\1\0."), "where nothing was put"},
        {BYTES("\x80\x02q\0."), "more values than the stack holds"},
        {BYTES("\x80\x02Nr\xff\xff\xff\x7f."), "beyond all reason"},
        {BYTES("\x80\x02t."), "needs a mark"},
        {BYTES("\x80\x02N\x86."), "more values than the stack holds"},
        {BYTES("\x80\x02(N\x86."), "more values than the stack holds"},
        {BYTES("\x80\x02" "a."), "more values than the stack holds"},
        {BYTES("\x80\x02Na."), "items without a container"},
        {BYTES("\x80\x02(Na."), "items without a container"},
        {BYTES("\x80\x02NNa."), "takes none of this kind"},
        {BYTES("\x80\x02}(K\1u."), "keys without values"},
        {BYTES("\x80\x02](K\1K\2u."), "takes none of this kind"},
        {BYTES("\x80\x02}(K\1e."), "takes none of this kind"},
        {BYTES("\x80\x04](K\1\x90."), "takes none of this kind"},
        {BYTES("\x80\x02(K\1e."), "items without a container"},
        {BYTES("\x80\x02" "cm\nf"), "a line without its end"},
        {BYTES("\x80\x02" "cm"), "a line without its end"},
        {BYTES("\x80\x02" "cm\n\xff\n."), "a name that is no text"},
        {BYTES("\x80\x02" "cm\nf\0\n."), "a name that is no text"},
        {BYTES("\x80\x02" "cos\nsystem\n."), "asks Python for os.system (byte 2)"},
        {BYTES("\x80\x02" "cm\nf.g\n."), "asks Python for m.f.g (byte 2)"},
        {BYTES("\x80\x04\x8c\x02os\x8c\x06system\x93."), "asks Python for os.system (byte 14)"},
        {BYTES("\x80\x04K\1K\2\x93."), "a module and a name that are no texts"},
        {BYTES("\x80\x04K\1\x93."), "a module and a name that are no texts"},
        {BYTES("\x80\x02" "cm\nf\nK\1R."), "a call of something that is no global, or without a tuple"},
        {BYTES("\x80\x02K\1)R."), "a call of something that is no global"},
        {BYTES("\x80\x02)R."), "a call of something that is no global"},
        {BYTES("\x80\x02K\1K\2b."), "a state for something that takes none"},
        {BYTES("\x80\x02" "cm\nf\n)RK\1bK\1b."), "a state for something that takes none"},
        {BYTES("\x80\x02Q."), "more values than the stack holds"},
        {BYTES("\x80\x02" "2."), "opcode 0x32 (DUP) at byte 2"},
        {BYTES("\x80\x02\xfe."), "opcode 0xfe (unknown) at byte 2"},
    };
    char *text = malloc(TEXT_LIMIT);
    size_t i, used;
    Error e;

    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        check(!read_as_text(text, cases[i].data, cases[i].size, &used, &e) && strstr(e.text, cases[i].expected) != NULL &&
                  strncmp(e.text, "t.pkl: ", 7) == 0 && e.code == LAKE_BAD_INPUT,
              "pickle refuses", "case %d, expected \"%s\", found %s \"%s\"", (int)i, cases[i].expected, text, e.text);
    free(text);
}

/* A state dict of one tensor, nearly as torch.save writes it, protocol 4 mixed in. */
static const unsigned char sample[] =
    "\x80\x04\x95\x20\0\0\0\0\0\0\0ccollections\nOrderedDict\nq\0)Rq\1(X\6\0\0\0weightq\2cm\nf\nq\3((X\7\0\0\0storageq\4"
    "h\3X\1\0\0\0" "0q\5X\3\0\0\0cpuq\6M\0\3tq\7QK\0K\x10K\x30\x86q\x08K\1K\x10\x86\x89h\0)Rtq\x09Rq\x0aX\4\0\0\0biasG\x3f"
    "\xf0\0\0\0\0\0\0u}(\x8c\4_lst](\x8a\2\xff\xff\x88Nej\2\0\0\0\x8f(K\7\x90ub.";

static void test_damage(void)
{
    const size_t size = sizeof sample - 1;
    unsigned char data[sizeof sample];
    char *text = malloc(TEXT_LIMIT);
    size_t at, used, refused = 0;
    int value;
    Error e;

    memcpy(data, sample, sizeof sample);
    check(read_as_text(text, data, size, &used, &e), "pickle sample", "%s", e.text);
    for (at = 0; at < size; at++)
        refused += !read_as_text(text, data, at, &used, &e);
    check(refused == size, "pickle refuses every prefix", "%d of %d", (int)refused, (int)size);
    for (at = 0, refused = 0; at < size; at++) {
        for (value = 0; value < 256; value++) {
            data[at] = (unsigned char)value;
            refused += !read_as_text(text, data, size, &used, &e);
        }
        data[at] = sample[at];
    }
    check(refused > size * 128 && refused < size * 255, "pickle with any byte changed to any other", "%d of %d refused",
          (int)refused, (int)size * 256);
    free(text);
}

/* `size` bytes of one opcode, with a protocol before and a STOP behind. */
static unsigned char *repeat(int opcode, size_t size)
{
    unsigned char *data = malloc(size + 3);

    data[0] = 0x80;
    data[1] = 4;
    memset(data + 2, opcode, size);
    data[size + 2] = '.';
    return data;
}

static void test_bombs(void)
{
    static const struct {
        int opcode;
        size_t size;
    } cases[] = {{'}', (size_t)1 << (sizeof(void *) > 4 ? 22 : 23)}, /* values are smaller where pointers are */
                 {'(', ((size_t)1 << (sizeof(void *) > 4 ? 25 : 26)) + 1}};
    const size_t deep = 300000;
    char *text = malloc(TEXT_LIMIT);
    unsigned char *data;
    size_t i, used;
    Error e;

    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        data = repeat(cases[i].opcode, cases[i].size);
        check(!read_as_text(text, data, cases[i].size + 3, &used, &e) &&
                  strstr(e.text, "more than 256 MiB of values") != NULL,
              "pickle of too many values", "%c: %s", cases[i].opcode, e.text);
        free(data);
    }
    data = repeat(']', 2 * deep);
    memset(data + 2 + deep, 'a', deep);
    data[2 * deep + 1] = '.'; /* one 'a' less than there are lists */
    check(read_as_text(text, data, 2 * deep + 2, &used, &e) && strncmp(text, "[[[[[[[[", 8) == 0,
          "pickle of 300000 lists in lists", "%s", e.text);
    free(data);
    check(read_as_text(text, BYTES("\x80\x02]q\0h\0a."), &used, &e) && strncmp(text, "[[[[[[[[", 8) == 0,
          "pickle of a list in itself", "%s", e.text);
    free(text);
}

/* A list that grows one by one takes linear time and memory: by doubling, at most twice what it needs. */
static void test_growth(void)
{
    enum { ITEMS = 200000 };
    unsigned char *data = malloc(2 * ITEMS + 8);
    size_t at = 0;
    PickleTree tree;
    Error e;
    int i;

    memcpy(data, "\x80\x02N]", 4);
    for (i = 0, at = 4; i < ITEMS; i++) {
        memcpy(data + at, ")a", 2);
        at += 2;
    }
    memcpy(data + at, "\x86.", 2);
    check(pickle_read(&tree, data, at + 2, is_allowed, "t.pkl", &e) == LAKE_OK && tree.root->count == 2 &&
              tree.root->items[1]->count == ITEMS && tree.root->items[1]->room < 2 * ITEMS + 8,
          "pickle of items appended one by one", "%s", e.text);
    pickle_free(&tree);
    free(data);
}

static void test_get(void)
{
    PickleTree tree;
    Error e;
    int code = pickle_read(&tree, BYTES("\x80\x02}(K\1K\2X\1\0\0\0aK\3X\3\0\0\0a\0bK\4X\2\0\0\0abK\5u."), is_allowed, "t",
                           &e);

    check(code == LAKE_OK && pickle_get(tree.root, "a")->integer == 3 && pickle_get(tree.root, "ab")->integer == 5 &&
              pickle_get(tree.root, "b") == NULL && pickle_get(NULL, "a") == NULL &&
              pickle_get(tree.root->items[0], "a") == NULL,
          "pickle_get", "%s", e.text);
    pickle_free(&tree);
}

int main(void)
{
    test_golden();
    test_accepted();
    test_refused();
    test_damage();
    test_bombs();
    test_growth();
    test_get();
    return 0;
}
