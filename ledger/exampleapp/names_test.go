package exampleapp_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/ledger/exampleapp"
	"github.com/trinebridge/trine/merkle"
)

// The stories of the app on a whole app chain are in ledger/testdata/scenarios/app.txt.

func TestGenesisReservesNames(t *testing.T) {
	g := exampleapp.Genesis{Reserved: []exampleapp.Name{"root", "admin"}}
	state := ledger.NewAppState(merkle.Map{})
	if err := (exampleapp.Names{}).Genesis(codec.Marshal(&g), state); err != nil {
		t.Fatal(err)
	}
	for name, taken := range map[string]bool{"root": true, "admin": true, "alice": false} {
		answer, err := exampleapp.Names{}.Query(state, []byte(name))
		if err != nil || (len(answer) > 0) != taken {
			t.Errorf("%s: %x, %v; want taken %t", name, answer, err, taken)
		}
	}
	if err := (exampleapp.Names{}).Genesis([]byte{1}, state); err == nil || !strings.Contains(err.Error(), "reserved names") {
		t.Errorf("half a list: %v", err)
	}
}

func FuzzMessage(f *testing.F) {
	f.Add(codec.Marshal(&exampleapp.Message{Action: exampleapp.Claim, Name: "alice"}))
	f.Add(codec.Marshal(&exampleapp.Message{Action: exampleapp.Buy, Name: "a-1", Asset: 1}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m exampleapp.Message
		if codec.Unmarshal(data, &m, ledger.MaxAppData) != nil {
			return
		}
		if !bytes.Equal(codec.Marshal(&m), data) {
			t.Fatalf("%x was read as %+v", data, m)
		}
		if len(m.Name) == 0 || len(m.Name) > exampleapp.MaxName {
			t.Fatalf("name %q passed", m.Name)
		}
	})
}
