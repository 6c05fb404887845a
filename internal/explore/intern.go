package explore

// ref names a value in a table; 0 is the first that was put in.
type ref = uint32

// table gives equal values one name, so that a state is a few small numbers and
// what differs in one place is stored once (the collapse of Holzmann's SPIN,
// "State Compression in SPIN", 1997).
type table[T any] struct {
	refs   map[string]ref
	values []T
}

func newTable[T any]() table[T] { return table[T]{refs: map[string]ref{}} }

// put names a value by its key: equal keys are equal values.
func (t *table[T]) put(key []byte, v T) ref {
	if r, ok := t.refs[string(key)]; ok {
		return r
	}
	r := ref(len(t.values))
	t.refs[string(key)] = r
	t.values = append(t.values, v)
	return r
}

func (t *table[T]) get(r ref) T { return t.values[r] }

func (t *table[T]) len() int { return len(t.values) }
