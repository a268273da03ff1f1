/* The stack machine of pickles; see pickle.h. What each opcode does is told by CPython's Lib/pickletools.py; of its
 * opcodes those are known here that picklers of protocol 2 and later write for plain data, a few more than PyTorch's own
 * restricted reader (torch/_weights_only_unpickler.py) takes. */
#include "convert/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/unicode.h"

enum {
    PROTOCOL_FIRST = 2,
    PROTOCOL_LAST = 5
};

#define MEMORY_LIMIT ((size_t)1 << 28) /* bytes of all nodes; also of the stack, and of the memo */

/* The opcodes, by the names of pickletools.py. */
enum {
    OP_MARK = '(', OP_STOP = '.', OP_BINFLOAT = 'G', OP_BININT = 'J', OP_BININT1 = 'K', OP_BININT2 = 'M', OP_NONE = 'N',
    OP_BINPERSID = 'Q', OP_REDUCE = 'R', OP_BINSTRING = 'T', OP_SHORT_BINSTRING = 'U', OP_BINUNICODE = 'X',
    OP_APPEND = 'a', OP_BUILD = 'b', OP_GLOBAL = 'c', OP_APPENDS = 'e', OP_BINGET = 'h', OP_LONG_BINGET = 'j',
    OP_BINPUT = 'q', OP_LONG_BINPUT = 'r', OP_SETITEM = 's', OP_TUPLE = 't', OP_SETITEMS = 'u', OP_EMPTY_DICT = '}',
    OP_EMPTY_LIST = ']', OP_EMPTY_TUPLE = ')', OP_BINBYTES = 'B', OP_SHORT_BINBYTES = 'C', OP_PROTO = 0x80,
    OP_NEWOBJ = 0x81, OP_TUPLE1 = 0x85, OP_TUPLE2 = 0x86, OP_TUPLE3 = 0x87, OP_NEWTRUE = 0x88, OP_NEWFALSE = 0x89,
    OP_LONG1 = 0x8a, OP_SHORT_BINUNICODE = 0x8c, OP_BINUNICODE8 = 0x8d, OP_BINBYTES8 = 0x8e, OP_EMPTY_SET = 0x8f,
    OP_ADDITEMS = 0x90, OP_FROZENSET = 0x91, OP_STACK_GLOBAL = 0x93, OP_MEMOIZE = 0x94, OP_FRAME = 0x95
};

/* A list of nodes. */
typedef struct {
    Pickle **items; /* [count] */
    size_t count, room;
} List;

typedef struct {
    const unsigned char *data; /* [size] */
    size_t size, at;
    size_t op_at;              /* where the opcode in work stands */
    const char *name;
    PickleAllowed *allowed;
    Arena nodes;
    List stack;                /* NULL is a mark */
    List memo;                 /* NULL where nothing was put */
    size_t memo_entries;       /* that are not NULL */
    const Pickle *outside;     /* the last PERSISTENT so far */
    Error *e;
} Machine;

/* ---- messages ---- */

static int fail(Machine *m, const char *what)
{
    error_set(m->e, LAKE_BAD_INPUT, "%s: no valid pickle: %s at byte %llu", m->name, what,
              (unsigned long long)m->op_at);
    return LAKE_BAD_INPUT;
}

/* The name of an opcode that is not read here, or "unknown". */
static const char *refused_name(int op)
{
    static const struct {
        int op;
        const char *name;
    } names[] = {
        {'0', "POP"}, {'1', "POP_MARK"}, {'2', "DUP"}, {'F', "FLOAT"}, {'I', "INT"}, {'L', "LONG"}, {'P', "PERSID"},
        {'S', "STRING"}, {'V', "UNICODE"}, {'d', "DICT"}, {'g', "GET"}, {'i', "INST"}, {'l', "LIST"}, {'o', "OBJ"},
        {'p', "PUT"}, {0x82, "EXT1"}, {0x83, "EXT2"}, {0x84, "EXT4"}, {0x8b, "LONG4"}, {0x92, "NEWOBJ_EX"},
        {0x96, "BYTEARRAY8"}, {0x97, "NEXT_BUFFER"}, {0x98, "READONLY_BUFFER"},
    };
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].op == op)
            return names[i].name;
    return "unknown";
}

static int refuse_opcode(Machine *m, int op)
{
    return error_set(m->e, LAKE_BAD_INPUT,
                     "%s: opcode 0x%02x (%s) at byte %llu, which a pickle of plain data does not need", m->name,
                     (unsigned)op, refused_name(op), (unsigned long long)m->op_at);
}

/* ---- memory ---- */

static int too_large(Machine *m)
{
    return error_set(m->e, LAKE_BAD_INPUT, "%s: a pickle of more than %llu MiB of values, at byte %llu", m->name,
                     (unsigned long long)(MEMORY_LIMIT >> 20), (unsigned long long)m->op_at);
}

/* `size` bytes, all 0 and aligned for anything, into *memory. */
static int take_memory(Machine *m, size_t size, void **memory)
{
    *memory = arena_take(&m->nodes, size);
    if (*memory != NULL)
        return LAKE_OK;
    return arena_is_full(&m->nodes, size) ? too_large(m) : error_memory(m->e, m->name);
}

static int new_node(Machine *m, PickleType type, Pickle **node)
{
    void *memory;
    int code = take_memory(m, sizeof **node, &memory);

    if (code != LAKE_OK)
        return code;
    *node = memory;
    (*node)->type = type;
    return LAKE_OK;
}

/* Makes room for `count` more items of a node, at least doubling it, so that a list built one by one
 * takes linear time. */
static int reserve_items(Machine *m, Pickle *node, size_t count)
{
    size_t room, bytes;
    void *grown;
    int code;

    if (count <= node->room - node->count)
        return LAKE_OK;
    room = count > node->room ? node->count + count : node->room * 2; /* both below the pickle's size */
    if (!size_multiply(room, sizeof *node->items, &bytes))
        return error_memory(m->e, m->name);
    code = take_memory(m, bytes, &grown);
    if (code != LAKE_OK)
        return code;
    if (node->count > 0)
        memcpy(grown, (const void *)node->items, node->count * sizeof *node->items);
    node->items = grown;
    node->room = room;
    return LAKE_OK;
}

/* Makes the list at least `count` long, with NULL in new places. */
static int extend(Machine *m, List *list, size_t count)
{
    size_t room = list->room == 0 ? 256 : list->room;
    Pickle **grown;

    if (count > MEMORY_LIMIT / sizeof *grown)
        return too_large(m);
    while (room < count)
        room *= 2;
    if (room > list->room) {
        grown = realloc(list->items, room * sizeof *grown);
        if (grown == NULL)
            return error_memory(m->e, m->name);
        list->items = grown;
        list->room = room;
    }
    for (; list->count < count; list->count++)
        list->items[list->count] = NULL;
    return LAKE_OK;
}

/* ---- the pickle's bytes ---- */

/* Moves over `count` bytes, which *p points to then. */
static int take_bytes(Machine *m, size_t count, const unsigned char **p)
{
    if (count > m->size - m->at)
        return fail(m, "cut off, or a length beyond its end,");
    *p = m->data + m->at;
    m->at += count;
    return LAKE_OK;
}

/* A whole number of 1, 2, 4 or 8 bytes, little-endian. */
static int take_number(Machine *m, size_t bytes, uint64_t *value)
{
    const unsigned char *p;
    int code = take_bytes(m, bytes, &p);

    if (code != LAKE_OK)
        return code;
    for (*value = 0; bytes > 0; bytes--)
        *value = *value << 8 | p[bytes - 1];
    return LAKE_OK;
}

/* A length of so many bytes, and the bytes that it counts. */
static int take_text(Machine *m, size_t length_bytes, const unsigned char **text, size_t *length)
{
    uint64_t value;
    int code = take_number(m, length_bytes, &value);

    if (code != LAKE_OK)
        return code;
    *length = value > SIZE_MAX ? SIZE_MAX : (size_t)value;
    return take_bytes(m, *length, text);
}

/* A line without its end. */
static int take_line(Machine *m, const unsigned char **line, size_t *length)
{
    const unsigned char *end;

    *line = m->data + m->at;
    end = m->at < m->size ? memchr(*line, '\n', m->size - m->at) : NULL;
    if (end == NULL)
        return fail(m, "a line without its end");
    *length = (size_t)(end - *line);
    m->at += *length + 1;
    return LAKE_OK;
}

/* ---- the stack ---- */

/* NULL pushes a mark. */
static int push(Machine *m, Pickle *node)
{
    int code = extend(m, &m->stack, m->stack.count + 1);

    if (code == LAKE_OK)
        m->stack.items[m->stack.count - 1] = node;
    return code;
}

/* What lies under `depth` others: NULL is a mark, or beyond the bottom. */
static Pickle *peek(const Machine *m, size_t depth)
{
    return depth < m->stack.count ? m->stack.items[m->stack.count - 1 - depth] : NULL;
}

/* Fails unless the topmost `count` places hold values. */
static int need_values(Machine *m, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (peek(m, i) == NULL)
            return fail(m, "an opcode that needs more values than the stack holds");
    return LAKE_OK;
}

/* Moves the topmost `count` values into `node` and off the stack. They are no marks. */
static int pop_items(Machine *m, Pickle *node, size_t count)
{
    size_t i;
    int code = reserve_items(m, node, count);

    if (code != LAKE_OK)
        return code;
    m->stack.count -= count;
    for (i = 0; i < count; i++)
        node->items[node->count++] = m->stack.items[m->stack.count + i];
    return LAKE_OK;
}

/* How many values lie above the topmost mark. */
static int count_to_mark(Machine *m, size_t *count)
{
    size_t i = m->stack.count;

    while (i > 0 && m->stack.items[i - 1] != NULL)
        i--;
    *count = m->stack.count - i;
    return i > 0 ? LAKE_OK : fail(m, "an opcode that needs a mark on the stack");
}

/* ---- opcodes: single values ---- */

/* LONG1: two's complement of any length. */
static int take_long(Machine *m, Pickle *node)
{
    const unsigned char *p;
    uint64_t bits = 0;
    size_t length, i;
    int code = take_text(m, 1, &p, &length);

    if (code != LAKE_OK)
        return code;
    if (length > 8) {
        node->type = PICKLE_LONG;
        return LAKE_OK;
    }
    if (length > 0 && p[length - 1] & 0x80)
        bits = UINT64_MAX;
    for (i = length; i > 0; i--)
        bits = bits << 8 | p[i - 1];
    node->integer = bits >> 63 ? -(int64_t)~bits - 1 : (int64_t)bits;
    return LAKE_OK;
}

static int take_float(Machine *m, Pickle *node)
{
    const unsigned char *p;
    int code = take_bytes(m, 8, &p); /* big-endian, the only number that is */

    if (code == LAKE_OK)
        node->number = bits_to_double((uint64_t)get_u32be(p) << 32 | get_u32be(p + 4));
    return code;
}

static int push_number(Machine *m, int op)
{
    const size_t bytes = op == OP_BININT ? 4 : op == OP_BININT2 ? 2 : 1;
    uint64_t value;
    Pickle *node;
    int code = new_node(m, op == OP_BINFLOAT ? PICKLE_FLOAT : PICKLE_INT, &node);

    if (code != LAKE_OK)
        return code;
    if (op == OP_LONG1) {
        code = take_long(m, node);
    } else if (op == OP_BINFLOAT) {
        code = take_float(m, node);
    } else {
        code = take_number(m, bytes, &value);
        if (code == LAKE_OK) /* only BININT's four bytes have a sign */
            node->integer = value > INT32_MAX ? (int64_t)value - ((int64_t)1 << 32) : (int64_t)value;
    }
    return code == LAKE_OK ? push(m, node) : code;
}

static int push_constant(Machine *m, int op)
{
    Pickle *node;
    int code = new_node(m, op == OP_NONE ? PICKLE_NONE : PICKLE_BOOL, &node);

    if (code != LAKE_OK)
        return code;
    node->integer = op == OP_NEWTRUE;
    return push(m, node);
}

static int is_utf8(const unsigned char *text, size_t length)
{
    size_t at = 0, step;
    uint32_t c;

    for (; at < length; at += step) {
        step = uni_character(&c, text + at, length - at);
        if (step == 0)
            return 0;
    }
    return 1;
}

/* Python 2's strings are text or bytes; which, only their content tells. */
static int push_text(Machine *m, int op)
{
    const size_t length_bytes = op == OP_SHORT_BINUNICODE || op == OP_SHORT_BINBYTES || op == OP_SHORT_BINSTRING ? 1
                              : op == OP_BINUNICODE8 || op == OP_BINBYTES8                                       ? 8
                                                                                                                 : 4;
    const int is_bytes = op == OP_BINBYTES || op == OP_SHORT_BINBYTES || op == OP_BINBYTES8;
    const int is_either = op == OP_BINSTRING || op == OP_SHORT_BINSTRING;
    const unsigned char *text;
    PickleType type = is_bytes ? PICKLE_BYTES : PICKLE_STRING;
    Pickle *node;
    size_t length;
    void *copy;
    int code = take_text(m, length_bytes, &text, &length);

    if (code != LAKE_OK)
        return code;
    if (!is_bytes && !is_utf8(text, length)) {
        if (!is_either)
            return fail(m, "a text that is no valid UTF-8");
        type = PICKLE_BYTES;
    }
    if ((code = new_node(m, type, &node)) != LAKE_OK || (code = take_memory(m, length + 1, &copy)) != LAKE_OK)
        return code;
    memcpy(copy, text, length);
    node->string = copy;
    node->length = length;
    return push(m, node);
}

/* ---- opcodes: containers ---- */

static PickleType container_type(int op)
{
    switch (op) {
    case OP_EMPTY_DICT:
        return PICKLE_DICT;
    case OP_EMPTY_LIST:
        return PICKLE_LIST;
    case OP_EMPTY_SET:
    case OP_FROZENSET:
        return PICKLE_SET;
    default:
        return PICKLE_TUPLE;
    }
}

/* A new container: empty, or of the values above a mark, or of the topmost one to three. */
static int push_container(Machine *m, int op)
{
    const int marked = op == OP_TUPLE || op == OP_FROZENSET;
    size_t count = op >= OP_TUPLE1 && op <= OP_TUPLE3 ? (size_t)(op - OP_TUPLE1 + 1) : 0;
    Pickle *node;
    int code = marked ? count_to_mark(m, &count) : need_values(m, count);

    if (code != LAKE_OK || (code = new_node(m, container_type(op), &node)) != LAKE_OK ||
        (code = pop_items(m, node, count)) != LAKE_OK)
        return code;
    if (marked)
        m->stack.count--;
    return push(m, node);
}

/* Moves values from the stack into the container under them, and under their mark where the opcode wants one. */
static int fill(Machine *m, int op)
{
    const int is_dict = op == OP_SETITEM || op == OP_SETITEMS, marked = op != OP_APPEND && op != OP_SETITEM;
    size_t count = is_dict ? 2 : 1;
    Pickle *target;
    int code = marked ? count_to_mark(m, &count) : need_values(m, count);

    if (code != LAKE_OK)
        return code;
    target = peek(m, count + (size_t)marked);
    if (target == NULL || (is_dict && count % 2 != 0))
        return fail(m, "items without a container, or keys without values,");
    if (is_dict ? target->type != PICKLE_DICT && target->type != PICKLE_CALL
                : target->type != (op == OP_ADDITEMS ? PICKLE_SET : PICKLE_LIST))
        return fail(m, "items for something that takes none of this kind");
    code = pop_items(m, target, count);
    if (code == LAKE_OK && marked)
        m->stack.count--;
    return code;
}

/* ---- opcodes: the memo ---- */

/* An honest index is below the number of opcodes: one beyond the pickle's size is refused before memory is taken. */
static int put(Machine *m, uint64_t index)
{
    Pickle *node = peek(m, 0);
    int code = need_values(m, 1);

    if (code != LAKE_OK)
        return code;
    if (index >= m->size)
        return fail(m, "an index of the memo beyond all reason");
    if (index >= m->memo.count)
        code = extend(m, &m->memo, (size_t)index + 1);
    if (code != LAKE_OK)
        return code;
    m->memo_entries += m->memo.items[index] == NULL;
    m->memo.items[index] = node;
    return LAKE_OK;
}

static int use_memo(Machine *m, int op)
{
    const int is_long = op == OP_LONG_BINPUT || op == OP_LONG_BINGET;
    uint64_t index;
    int code;

    if (op == OP_MEMOIZE)
        return put(m, m->memo_entries);
    code = take_number(m, is_long ? 4 : 1, &index);
    if (code != LAKE_OK)
        return code;
    if (op == OP_BINPUT || op == OP_LONG_BINPUT)
        return put(m, index);
    if (index >= m->memo.count || m->memo.items[index] == NULL)
        return fail(m, "an index of the memo where nothing was put");
    return push(m, m->memo.items[index]);
}

/* ---- opcodes: what Python would call ---- */

/* The node of "module.name", where the caller allows it. */
static int push_global(Machine *m, const void *module, size_t module_length, const void *global, size_t global_length)
{
    Pickle *node;
    void *memory;
    char *text;
    int code;

    if (!is_utf8(module, module_length) || !is_utf8(global, global_length) ||
        memchr(module, '\0', module_length) != NULL || memchr(global, '\0', global_length) != NULL)
        return fail(m, "a name that is no text");
    if ((code = new_node(m, PICKLE_GLOBAL, &node)) != LAKE_OK ||
        (code = take_memory(m, module_length + global_length + 2, &memory)) != LAKE_OK)
        return code;
    text = memory; /* all 0, so its end is there */
    memcpy(text, module, module_length);
    text[module_length] = '.';
    memcpy(text + module_length + 1, global, global_length);
    if (!m->allowed(text))
        return error_set(m->e, LAKE_BAD_INPUT,
                         "%s: asks Python for %.120s (byte %llu), which no plain checkpoint needs and which is not run "
                         "here; where you trust the file, load it in Python and save the tensors alone: "
                         "torch.save(model.state_dict(), FILE)",
                         m->name, text, (unsigned long long)m->op_at);
    node->string = text;
    node->length = module_length + global_length + 1;
    return push(m, node);
}

/* GLOBAL: two lines of the pickle. */
static int name_in_lines(Machine *m)
{
    const unsigned char *module, *global;
    size_t module_length, global_length;
    int code = take_line(m, &module, &module_length);

    if (code == LAKE_OK)
        code = take_line(m, &global, &global_length);
    return code == LAKE_OK ? push_global(m, module, module_length, global, global_length) : code;
}

/* STACK_GLOBAL: two texts on the stack. */
static int name_on_stack(Machine *m)
{
    const Pickle *module = peek(m, 1), *global = peek(m, 0);

    if (module == NULL || global == NULL || module->type != PICKLE_STRING || global->type != PICKLE_STRING)
        return fail(m, "a module and a name that are no texts");
    m->stack.count -= 2;
    return push_global(m, module->string, module->length, global->string, global->length);
}

/* REDUCE, NEWOBJ: a global and its arguments become a node that names both. */
static int call(Machine *m)
{
    const Pickle *function = peek(m, 1), *arguments = peek(m, 0);
    Pickle *node;
    int code;

    if (function == NULL || arguments == NULL || function->type != PICKLE_GLOBAL || arguments->type != PICKLE_TUPLE)
        return fail(m, "a call of something that is no global, or without a tuple of arguments,");
    code = new_node(m, PICKLE_CALL, &node);
    if (code != LAKE_OK)
        return code;
    node->function = function->string;
    node->arguments = arguments;
    m->stack.count -= 2;
    return push(m, node);
}

/* BUILD: the topmost value is the state of the object under it. */
static int set_state(Machine *m)
{
    Pickle *object = peek(m, 1), *state = peek(m, 0);

    if (object == NULL || state == NULL || object->type != PICKLE_CALL || object->state != NULL)
        return fail(m, "a state for something that takes none");
    object->state = state;
    m->stack.count--;
    return LAKE_OK;
}

static int push_persistent(Machine *m)
{
    Pickle *node;
    int code = need_values(m, 1);

    if (code != LAKE_OK || (code = new_node(m, PICKLE_PERSISTENT, &node)) != LAKE_OK ||
        (code = pop_items(m, node, 1)) != LAKE_OK)
        return code;
    node->before = m->outside;
    m->outside = node;
    return push(m, node);
}

/* ---- opcodes: the frame around all ---- */

static int check_protocol(Machine *m)
{
    uint64_t version;
    int code = take_number(m, 1, &version);

    if (code == LAKE_OK && (m->op_at != 0 || version < PROTOCOL_FIRST || version > PROTOCOL_LAST))
        code = fail(m, "a protocol other than 2 to 5, or named twice,");
    return code;
}

/* A frame only tells how much to read ahead. */
static int check_frame(Machine *m)
{
    uint64_t size;
    int code = take_number(m, 8, &size);

    if (code == LAKE_OK && size > m->size - m->at)
        code = fail(m, "a frame beyond the end");
    return code;
}

static int execute(Machine *m, int op)
{
    switch (op) {
    case OP_PROTO:
        return check_protocol(m);
    case OP_FRAME:
        return check_frame(m);
    case OP_NONE: case OP_NEWTRUE: case OP_NEWFALSE:
        return push_constant(m, op);
    case OP_BININT: case OP_BININT1: case OP_BININT2: case OP_LONG1: case OP_BINFLOAT:
        return push_number(m, op);
    case OP_BINUNICODE: case OP_SHORT_BINUNICODE: case OP_BINUNICODE8: case OP_BINSTRING: case OP_SHORT_BINSTRING:
    case OP_BINBYTES: case OP_SHORT_BINBYTES: case OP_BINBYTES8:
        return push_text(m, op);
    case OP_EMPTY_DICT: case OP_EMPTY_LIST: case OP_EMPTY_SET: case OP_EMPTY_TUPLE: case OP_TUPLE: case OP_TUPLE1:
    case OP_TUPLE2: case OP_TUPLE3: case OP_FROZENSET:
        return push_container(m, op);
    case OP_APPEND: case OP_APPENDS: case OP_SETITEM: case OP_SETITEMS: case OP_ADDITEMS:
        return fill(m, op);
    case OP_MARK:
        return push(m, NULL);
    case OP_BINPUT: case OP_LONG_BINPUT: case OP_BINGET: case OP_LONG_BINGET: case OP_MEMOIZE:
        return use_memo(m, op);
    case OP_GLOBAL:
        return name_in_lines(m);
    case OP_STACK_GLOBAL:
        return name_on_stack(m);
    case OP_REDUCE: case OP_NEWOBJ:
        return call(m);
    case OP_BUILD:
        return set_state(m);
    case OP_BINPERSID:
        return push_persistent(m);
    default:
        return refuse_opcode(m, op);
    }
}

/* All opcodes to the STOP, which leaves one value. */
static int run(Machine *m)
{
    const unsigned char *p;
    int code;

    for (;;) {
        m->op_at = m->at;
        code = take_bytes(m, 1, &p);
        if (code == LAKE_OK && m->op_at == 0 && *p != OP_PROTO)
            code = fail(m, "no protocol of 2 or later");
        if (code != LAKE_OK)
            return code;
        if (*p == OP_STOP)
            return m->stack.count == 1 ? need_values(m, 1) : fail(m, "an end with other than one value on the stack");
        code = execute(m, *p);
        if (code != LAKE_OK)
            return code;
    }
}

/* ---- public ---- */

int pickle_read(PickleTree *tree, const unsigned char *data, size_t size, PickleAllowed *allowed, const char *name,
                Error *e)
{
    Machine m;
    int code;

    memset(tree, 0, sizeof *tree);
    memset(&m, 0, sizeof m);
    m.data = data;
    m.size = size;
    m.allowed = allowed;
    m.name = name;
    m.e = e;
    m.nodes.limit = MEMORY_LIMIT;
    code = run(&m);
    if (code == LAKE_OK) {
        tree->root = m.stack.items[0];
        tree->outside = m.outside;
        tree->size = m.at;
        tree->nodes = m.nodes;
    } else {
        arena_free(&m.nodes);
    }
    free(m.stack.items);
    free(m.memo.items);
    return code;
}

void pickle_free(PickleTree *tree)
{
    arena_free(&tree->nodes);
    memset(tree, 0, sizeof *tree);
}

const Pickle *pickle_get(const Pickle *dict, const char *key)
{
    const size_t length = strlen(key);
    size_t i;

    if (dict == NULL || (dict->type != PICKLE_DICT && dict->type != PICKLE_CALL))
        return NULL;
    for (i = 0; i + 1 < dict->count; i += 2)
        if (dict->items[i]->type == PICKLE_STRING && dict->items[i]->length == length &&
            memcmp(dict->items[i]->string, key, length) == 0)
            return dict->items[i + 1];
    return NULL;
}
