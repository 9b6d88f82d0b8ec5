package guard

import (
	"bytes"
	"fmt"

	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
)

// prefixKeys begins what the guards of all keys have recorded in one store.
const prefixKeys = "guard/"

// Remembered returns the addresses of the keys of which kv, the one that [New] is given, has
// records: those that have signed with it. It reads one record of each.
func Remembered(kv store.KV) ([]signing.Address, error) {
	var all []signing.Address
	end := store.After([]byte(prefixKeys))
	for lo := []byte(prefixKeys); lo != nil; {
		from := lo
		lo = nil
		for e, err := range kv.Ascend(from, end) {
			if err != nil {
				return nil, fmt.Errorf("guard: %w", err)
			}
			name, _, _ := bytes.Cut(e.Key[len(prefixKeys):], []byte("/"))
			address, err := signing.ParseAddress(string(name))
			if err != nil {
				return nil, store.Corruptf("guard: record under %x: %w", e.Key, err)
			}
			all = append(all, address)
			lo = store.After(e.Key[:len(prefixKeys)+len(name)+1])
			break
		}
	}
	return all, nil
}
