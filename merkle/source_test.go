package merkle_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/merkle"
)

// everyUse runs each method that may load nodes, on a freshly opened map.
func everyUse(root codec.Hash, source merkle.NodeSource, key []byte) map[string]error {
	errs := map[string]error{}
	open := func() merkle.Map { return merkle.Open(root, source) }
	_, _, errs["Get"] = open().Get(key)
	_, errs["Put"] = open().Put(key, []byte("other"))
	_, errs["Delete"] = open().Delete(key)
	_, errs["Prove"] = open().Prove(key)
	for _, err := range open().All() {
		if err != nil {
			errs["All"] = errors.Join(errs["All"], err)
		}
	}
	return errs
}

// wantNodeError checks that every use fails, once, with an error that names the node.
func wantNodeError(t *testing.T, errs map[string]error, hash codec.Hash, kind error) {
	t.Helper()
	for use, err := range errs {
		var node *merkle.NodeError
		if !errors.As(err, &node) || node.Hash != hash || !errors.Is(err, kind) {
			t.Fatalf("%s: %v; want a NodeError of %s: %v", use, err, hash, kind)
		}
		if !strings.Contains(err.Error(), hash.String()) || !strings.Contains(err.Error(), "path") {
			t.Fatalf("%s: the text does not name node and path: %v", use, err)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Fatalf("%s goes on after an error: %v", use, err)
		}
	}
}

func TestSpoiledNodes(t *testing.T) {
	good := newStore()
	m := filled(60, merkle.Open(merkle.EmptyRoot, good))
	good.save(t, m)
	proof := must(m.Prove(key(3))) // the nodes that every use of key 3 goes through
	for i, enc := range proof {
		hash, s := codec.Keccak(enc), good.clone()
		for j := range enc {
			for _, flip := range []byte{0x01, 0x80, 0xff} {
				bad := bytes.Clone(enc)
				bad[j] ^= flip
				s.nodes[hash] = bad
				wantNodeError(t, everyUse(m.Root(), s, key(3)), hash, merkle.ErrHashMismatch)
			}
			s.nodes[hash] = enc[:j]
			wantNodeError(t, everyUse(m.Root(), s, key(3)), hash, merkle.ErrHashMismatch)
		}
		delete(s.nodes, hash)
		errs := everyUse(m.Root(), s, key(3))
		wantNodeError(t, errs, hash, merkle.ErrMissing)
		var node *merkle.NodeError
		path := merkle.PathOf(key(3))
		if errors.As(errs["Get"], &node); node.Path != path.String()[2:2+i] {
			t.Errorf("node %d of the proof: path %q, want %q", i, node.Path, path.String()[2:2+i])
		}
	}
}

func TestErrorsAreNotKept(t *testing.T) {
	s := newStore()
	m := filled(60, merkle.Open(merkle.EmptyRoot, s))
	s.save(t, m)
	root := m.Root()
	enc := s.nodes[root]
	delete(s.nodes, root)
	m = merkle.Open(root, s)
	if _, _, err := m.Get(key(3)); !errors.Is(err, merkle.ErrMissing) {
		t.Fatalf("Get without the root node: %v", err)
	}
	s.nodes[root] = enc
	if _, ok, err := m.Get(key(3)); !ok || err != nil {
		t.Errorf("Get after the root node came back = %v, %v", ok, err)
	}
}

// TestCollapseNeedsTheSibling deletes next to a node that cannot be loaded.
func TestCollapseNeedsTheSibling(t *testing.T) {
	s := newStore()
	a, b := codec.Hash{0x10}, codec.Hash{0x20}
	m := put(put(merkle.Open(merkle.EmptyRoot, s), a, []byte("a")), b, []byte("b"))
	s.save(t, m)
	sibling := codec.Keccak(must(m.ProveAt(b))[1])
	delete(s.nodes, sibling)
	m = merkle.Open(m.Root(), s)
	got, err := m.DeleteAt(a)
	var node *merkle.NodeError
	if !errors.As(err, &node) || node.Hash != sibling || node.Path != "2" {
		t.Errorf("DeleteAt = %v; want a NodeError of %s at path 2", err, sibling)
	}
	if got.Root() != m.Root() {
		t.Error("a failed Delete changed the map")
	}
}

// TestWrongShapes gives nodes that have their hash but are no node of such a map.
func TestWrongShapes(t *testing.T) {
	leaf := func(flag byte, rest, value int) string {
		path := string([]byte{flag}) + strings.Repeat("\x11", rest)
		return list(str(path) + str(strings.Repeat("\x22", value)))
	}
	hash, empty := str(strings.Repeat("\x33", 32)), "\x80"
	branch := func(kids ...string) string {
		return list(strings.Join(kids, "") + strings.Repeat(empty, 17-len(kids)))
	}
	for name, enc := range map[string]string{
		"nothing":                   "",
		"a string":                  str("abc"),
		"an empty list":             "\xc0",
		"bytes after the list":      leaf(0x20, 32, 5) + "\x00",
		"three items":               list(hash + hash + hash),
		"eighteen items":            list(strings.Repeat(empty, 18)),
		"cut inside an item":        "\xf8\x40\xa0\x01",
		"size with a leading zero":  "\xf9\x00\x40" + strings.Repeat("\x01", 0x40),
		"short size in long form":   "\xf8\x02\x20\x01",
		"size of eight bytes":       "\xff" + strings.Repeat("\xff", 8),
		"byte with a header":        list(str("\x20"+strings.Repeat("\x11", 32)) + "\x81\x05"),
		"leaf path too short":       leaf(0x20, 31, 40),
		"leaf path too long":        leaf(0x30, 32, 40),
		"leaf without a value":      leaf(0x20, 32, 0),
		"leaf with a list value":    list(str("\x20"+strings.Repeat("\x11", 32)) + list(hash)),
		"path is a list":            list(list("\x20") + hash),
		"path is empty":             list(empty + hash),
		"path of 34 bytes":          leaf(0x20, 33, 40),
		"unknown path flag":         list(str("\x40\x11") + hash),
		"even path with a nibble":   list(str("\x21"+strings.Repeat("\x11", 32)) + hash),
		"extension without nibbles": list(str("\x00") + hash),
		"extension to the very end": list(str("\x00"+strings.Repeat("\x11", 32)) + hash),
		"extension to nothing":      list(str("\x00\x11") + empty),
		"extension to a short hash": list(str("\x00\x11") + str("abc")),
		"extension to a leaf":       list(str("\x1a"+strings.Repeat("\x11", 31)) + list("\x20\x01")),
		"branch with one child":     branch(hash),
		"branch with a value":       list(hash + hash + strings.Repeat(empty, 14) + "\x05"),
		"branch with a short hash":  branch(hash, str("abc")),
		"branch with a long child":  branch(hash, list(hash)),
		"branch with a bad child":   branch(hash, list("\x20\x01")),
	} {
		root := codec.Keccak([]byte(enc))
		s := newStore()
		s.nodes[root] = []byte(enc)
		wantNodeError(t, everyUse(root, s, key(1)), root, merkle.ErrEncoding)
		if _, ok, err := merkle.VerifyProof(root, key(1), [][]byte{[]byte(enc)}); ok || !errors.Is(err, merkle.ErrEncoding) {
			t.Errorf("%s: VerifyProof = %v, %v", name, ok, err)
		}
	}
}

// TestExtensionToLeaf puts a leaf where only a branch can be, behind a hash.
func TestExtensionToLeaf(t *testing.T) {
	path, s := codec.Hash{0x11}, newStore()
	leaf := list(str("\x20"+string(path[1:])) + str(strings.Repeat("v", 40)))
	hash := codec.Keccak([]byte(leaf))
	ext := list(str("\x00\x11") + str(string(hash[:])))
	root := codec.Keccak([]byte(ext))
	s.nodes[hash], s.nodes[root] = []byte(leaf), []byte(ext)
	_, _, err := merkle.Open(root, s).GetAt(path)
	_, _, proofErr := merkle.VerifyProofAt(root, path, [][]byte{[]byte(ext), []byte(leaf)})
	wantNodeError(t, map[string]error{"GetAt": err, "VerifyProofAt": proofErr}, hash, merkle.ErrEncoding)
	delete(s.nodes, hash)
	_, _, err = merkle.Open(root, s).GetAt(path)
	wantNodeError(t, map[string]error{"GetAt": err}, hash, merkle.ErrMissing)
}

// str and list are RLP of up to 255 bytes, and as short as it can be.
func str(s string) string {
	if len(s) == 1 && s[0] < 0x80 {
		return s
	}
	return header(0x80, len(s)) + s
}

func list(items string) string { return header(0xc0, len(items)) + items }

func header(kind byte, size int) string {
	switch {
	case size <= 55:
		return string([]byte{kind + byte(size)})
	case size <= 255:
		return string([]byte{kind + 56, byte(size)})
	}
	return string([]byte{kind + 57, byte(size >> 8), byte(size)})
}
