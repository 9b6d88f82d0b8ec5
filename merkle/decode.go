package merkle

import (
	"errors"
	"fmt"
)

// ErrEncoding marks bytes that are not the one valid encoding of a node at its place in the map.
var ErrEncoding = errors.New("not a valid node encoding")

// maxNodeSize bounds a node encoding: a value, its path, and three headers.
const maxNodeSize = MaxValueSize + 1 + hashSize + 3*9

type shape byte

const (
	leafShape shape = iota + 1
	extensionShape
	branchShape
)

// parsed is a node encoding taken apart; its slices point into it.
type parsed struct {
	shape  shape
	prefix []byte     // leaf, extension: hex-prefix bytes
	value  []byte     // leaf
	refs   [16][]byte // branch: children, nil where there is none; extension: its child is the first
}

// prefixLen returns the number of nibbles in the hex-prefix bytes.
func (p *parsed) prefixLen() int { return 2*len(p.prefix) - 2 + int(p.prefix[0]>>4&1) }

// prefixNibble returns the i-th of them.
func (p *parsed) prefixNibble(i int) byte { return nibble(p.prefix, i+2-int(p.prefix[0]>>4&1)) }

// parse takes apart the encoding of a node at the given depth. It accepts exactly what
// encode makes: canonical RLP, paths of 64 nibbles in all, branches with at least two
// children, embedded nodes (checked as well) where they are shorter than 32 bytes and hashes
// where they are not. It allocates nothing but errors.
func parse(encoding []byte, depth int) (p parsed, err error) {
	if len(encoding) > maxNodeSize {
		return p, fmt.Errorf("%w: %d bytes, at most %d", ErrEncoding, len(encoding), maxNodeSize)
	}
	list, items, rest, err := splitItem(encoding)
	switch {
	case err != nil:
		return p, err
	case !list:
		return p, fmt.Errorf("%w: a string where a list belongs", ErrEncoding)
	case len(rest) > 0:
		return p, fmt.Errorf("%w: %d bytes after the node", ErrEncoding, len(rest))
	}
	count := 0
	for rest := items; len(rest) > 0; count++ {
		if _, _, rest, err = splitItem(rest); err != nil {
			return p, err
		}
		if count == 17 {
			return p, fmt.Errorf("%w: more than 17 items", ErrEncoding)
		}
	}
	switch count {
	case 2:
		return p, p.parseShort(items, depth)
	case 17:
		return p, p.parseBranch(items, depth)
	}
	return p, fmt.Errorf("%w: %d items, want 2 or 17", ErrEncoding, count)
}

func (p *parsed) parseShort(items []byte, depth int) error {
	list, prefix, second, err := splitItem(items)
	if err != nil {
		return err
	}
	if list || len(prefix) == 0 || len(prefix) > 1+hashSize {
		return fmt.Errorf("%w: path of %d bytes", ErrEncoding, len(prefix))
	}
	if flag := prefix[0] >> 4; flag > 3 || flag&1 == 0 && prefix[0]&15 != 0 {
		return fmt.Errorf("%w: path starts with 0x%02x", ErrEncoding, prefix[0])
	}
	p.prefix = prefix
	end := depth + p.prefixLen()
	if prefix[0]>>4 >= 2 {
		p.shape = leafShape
		list, p.value, _, err = splitItem(second)
		switch {
		case err != nil:
			return err
		case list || len(p.value) == 0 || len(p.value) > MaxValueSize:
			return fmt.Errorf("%w: leaf value of %d bytes", ErrEncoding, len(p.value))
		case end != pathNibbles:
			return fmt.Errorf("%w: leaf path ends at nibble %d of %d", ErrEncoding, end, pathNibbles)
		}
		return nil
	}
	p.shape = extensionShape
	if p.prefixLen() == 0 || end >= pathNibbles {
		return fmt.Errorf("%w: extension from nibble %d to %d", ErrEncoding, depth, end)
	}
	p.refs[0], _, err = splitReference(second, end)
	if err != nil {
		return err
	}
	if p.refs[0] == nil {
		return fmt.Errorf("%w: extension without a child", ErrEncoding)
	}
	if len(p.refs[0]) < hashSize {
		if child, err := parse(p.refs[0], end); err != nil || child.shape != branchShape {
			return fmt.Errorf("%w: embedded child of an extension is no branch", ErrEncoding)
		}
	}
	return nil
}

func (p *parsed) parseBranch(items []byte, depth int) (err error) {
	p.shape = branchShape
	if depth >= pathNibbles {
		return fmt.Errorf("%w: branch at nibble %d", ErrEncoding, depth)
	}
	kids := 0
	for i := range p.refs {
		p.refs[i], items, err = splitReference(items, depth+1)
		if err != nil {
			return err
		}
		if p.refs[i] != nil {
			kids++
		}
	}
	if len(items) != 1 || items[0] != rlpString {
		return fmt.Errorf("%w: branch with a value", ErrEncoding)
	}
	if kids < 2 {
		return fmt.Errorf("%w: branch with %d children, want at least 2", ErrEncoding, kids)
	}
	return nil
}

// splitReference reads a reference to a node at the given depth: nil for none, 32 bytes for
// a hash, fewer for an embedded node.
func splitReference(b []byte, depth int) (ref, rest []byte, err error) {
	list, payload, rest, err := splitItem(b)
	switch {
	case err != nil:
		return nil, nil, err
	case !list && len(payload) == 0:
		return nil, rest, nil
	case !list && len(payload) == hashSize:
		return payload, rest, nil
	case !list:
		return nil, nil, fmt.Errorf("%w: reference of %d bytes", ErrEncoding, len(payload))
	}
	embedded := b[:len(b)-len(rest)]
	if len(embedded) >= hashSize {
		return nil, nil, fmt.Errorf("%w: embedded node of %d bytes", ErrEncoding, len(embedded))
	}
	if _, err := parse(embedded, depth); err != nil {
		return nil, nil, err
	}
	return embedded, rest, nil
}

// splitItem reads the first RLP item of b: whether it is a list, its payload, and what
// follows it. Only the shortest form of every header is accepted.
func splitItem(b []byte) (list bool, payload, rest []byte, err error) {
	if len(b) == 0 {
		return false, nil, nil, fmt.Errorf("%w: ends too early", ErrEncoding)
	}
	first := b[0]
	if first < rlpString {
		return false, b[:1], b[1:], nil
	}
	list = first >= rlpList
	size := int(first - rlpString)
	if list {
		size = int(first - rlpList)
	}
	b = b[1:]
	if size > rlpShort {
		if size, b, err = splitLongSize(b, size-rlpShort); err != nil {
			return false, nil, nil, err
		}
	}
	if size > len(b) {
		return false, nil, nil, fmt.Errorf("%w: an item of %d bytes where %d are left", ErrEncoding, size, len(b))
	}
	if !list && size == 1 && b[0] < rlpString {
		return false, nil, nil, fmt.Errorf("%w: a single byte with a header", ErrEncoding)
	}
	return list, b[:size], b[size:], nil
}

func splitLongSize(b []byte, digits int) (size int, rest []byte, err error) {
	if digits > 3 || digits > len(b) { // three digits reach beyond maxNodeSize
		return 0, nil, fmt.Errorf("%w: a size of %d bytes", ErrEncoding, digits)
	}
	for _, d := range b[:digits] {
		size = size<<8 | int(d)
	}
	if size <= rlpShort || b[0] == 0 {
		return 0, nil, fmt.Errorf("%w: size %d in a long header of %d bytes", ErrEncoding, size, digits)
	}
	return size, b[digits:], nil
}
