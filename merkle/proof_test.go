package merkle_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/merkle"
)

func TestProofsBothWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, o, want := merkle.Map{}, newOracle(), map[codec.Hash]string{}
		for range rapid.IntRange(1, 40).Draw(t, "entries") {
			path, value := paths().Draw(t, "path"), append(values().Draw(t, "value"), 1)
			m, want[path] = put(m, path, value), string(value)
			o.put(path, value)
		}
		root := m.Root()
		probes := append(sortedHashes(want), rapid.SliceOfN(paths(), 5, 5).Draw(t, "probes")...)
		for _, path := range probes {
			proof := must(m.ProveAt(path))
			if !slices.EqualFunc(proof, o.prove(path), bytes.Equal) {
				t.Fatalf("proof of %s\n%x\ngo-ethereum makes\n%x", path, proof, o.prove(path))
			}
			value, ok, err := merkle.VerifyProofAt(root, path, proof)
			if wanted, found := want[path]; err != nil || ok != found || string(value) != wanted {
				t.Fatalf("VerifyProofAt(%s) = %x, %v, %v; want %x, %v", path, value, ok, err, wanted, found)
			}
			theirs, err := oracleVerify(root, path, proof)
			if err != nil || !bytes.Equal(theirs, value) {
				t.Fatalf("go-ethereum reads %x, %v from the proof of %s; want %x", theirs, err, path, value)
			}
		}
	})
}

func TestProofOfHashedKeys(t *testing.T) {
	m := filled(3000, merkle.Map{})
	root := m.Root()
	for i := range 4000 { // the last thousand are absent
		proof := must(m.Prove(key(i)))
		value, ok, err := merkle.VerifyProof(root, key(i), proof)
		if err != nil || ok != (i < 3000) {
			t.Fatalf("VerifyProof(%d) = %v, %v", i, ok, err)
		}
		if ok && binary.BigEndian.Uint64(value) != uint64(i) {
			t.Fatalf("VerifyProof(%d) finds the value %x", i, value)
		}
		theirs, err := oracleVerify(root, merkle.PathOf(key(i)), proof)
		if err != nil || !bytes.Equal(theirs, value) {
			t.Fatalf("go-ethereum reads %x, %v; want %x", theirs, err, value)
		}
	}
}

func TestProofOfEmptyMap(t *testing.T) {
	if proof, err := (merkle.Map{}).Prove(key(1)); err != nil || len(proof) != 0 {
		t.Errorf("Prove = %x, %v; want no nodes", proof, err)
	}
	if _, ok, err := merkle.VerifyProof(merkle.EmptyRoot, key(1), nil); ok || err != nil {
		t.Errorf("VerifyProof = %v, %v; want proven absence", ok, err)
	}
}

func TestSpoiledProofs(t *testing.T) {
	m := filled(300, merkle.Map{})
	root, proof := m.Root(), must(m.Prove(key(5)))
	if len(proof) < 3 {
		t.Fatalf("proof of %d nodes is too short for this test", len(proof))
	}
	verify := func(p [][]byte) error {
		value, ok, err := merkle.VerifyProof(root, key(5), p)
		if err != nil && (ok || value != nil) {
			t.Errorf("an answer %x, %v besides the error %v", value, ok, err)
		}
		return err
	}
	for i := range proof {
		for j := range proof[i] {
			for _, flip := range []byte{0x01, 0x80, 0xff} {
				p := slices.Clone(proof)
				p[i] = bytes.Clone(p[i])
				p[i][j] ^= flip
				if err := verify(p); !errors.Is(err, merkle.ErrHashMismatch) {
					t.Fatalf("node %d, byte %d flipped by %02x: %v", i, j, flip, err)
				}
			}
			p := slices.Clone(proof)
			p[i] = p[i][:j]
			if err := verify(p); !errors.Is(err, merkle.ErrHashMismatch) {
				t.Fatalf("node %d cut to %d bytes: %v", i, j, err)
			}
		}
		if err := verify(proof[:i]); !errors.Is(err, merkle.ErrMissing) {
			t.Errorf("proof cut to %d nodes: %v", i, err)
		}
		if err := verify(slices.Insert(slices.Clone(proof), i, proof[i])); err == nil {
			t.Errorf("a proof with node %d twice is accepted", i)
		}
	}
	if err := verify(append(slices.Clone(proof), proof[0])); !errors.Is(err, merkle.ErrSurplus) {
		t.Errorf("a node too many: %v", err)
	}
	huge := [][]byte{make([]byte, merkle.MaxValueSize+100)}
	if err := verify(huge); !errors.Is(err, merkle.ErrEncoding) {
		t.Errorf("an oversized node: %v", err)
	}
	if _, _, err := merkle.VerifyProof(merkle.EmptyRoot, key(5), proof); !errors.Is(err, merkle.ErrSurplus) {
		t.Errorf("a proof for the empty root: %v", err)
	}
	if _, _, err := merkle.VerifyProof(root, key(6), proof); err == nil {
		t.Error("a proof of another key is accepted")
	}
}

// FuzzVerifyProof feeds proofs made of arbitrary bytes. What we accept, go-ethereum accepts
// with the same answer; and for the root of a real map the answer is the map's.
func FuzzVerifyProof(f *testing.F) {
	m := must(filled(40, merkle.Map{}).Put([]byte("long"), bytes.Repeat([]byte{1}, 300)))
	root := m.Root()
	for i := range 60 {
		f.Add(key(i), packProof(must(m.Prove(key(i)))), i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, key, packed []byte, real bool) {
		proof := unpackProof(packed)
		from := root
		if !real && len(proof) > 0 {
			from = codec.Keccak(proof[0])
		}
		value, ok, err := merkle.VerifyProof(from, key, proof)
		if err != nil {
			if ok || value != nil {
				t.Fatalf("an answer %x, %v besides the error %v", value, ok, err)
			}
			return
		}
		if ok != (len(value) > 0) {
			t.Fatalf("ok is %v with the value %x", ok, value)
		}
		theirs, err := oracleVerify(from, merkle.PathOf(key), proof)
		if err != nil || !bytes.Equal(theirs, value) {
			t.Fatalf("we read %x, go-ethereum %x, %v", value, theirs, err)
		}
		if from == root {
			if want, found, _ := m.Get(key); found != ok || !bytes.Equal(want, value) {
				t.Fatalf("the proof says %x, %v; the map has %x, %v", value, ok, want, found)
			}
		}
	})
}

func packProof(proof [][]byte) (out []byte) {
	for _, node := range proof {
		out = binary.BigEndian.AppendUint16(out, uint16(len(node)))
		out = append(out, node...)
	}
	return out
}

func unpackProof(b []byte) (proof [][]byte) {
	for len(b) >= 2 {
		n := min(int(binary.BigEndian.Uint16(b)), len(b)-2)
		proof, b = append(proof, b[2:2+n]), b[2+n:]
	}
	return proof
}

func ExampleVerifyProof() {
	var m merkle.Map
	for i, name := range []string{"ann", "ben", "cat"} {
		m, _ = m.Put([]byte(name), fmt.Appendf(nil, "%d coins", i))
	}
	proof, _ := m.Prove([]byte("ben"))
	value, ok, err := merkle.VerifyProof(m.Root(), []byte("ben"), proof)
	fmt.Printf("%s %v %v\n", value, ok, err)
	// Output: 1 coins true <nil>
}
