package solana

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/mr-tron/base58"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// signatureOf is the id of a transaction of this test: what kind it is, and its number.
func signatureOf(kind byte, number int) string {
	return base58.Encode(binary.BigEndian.AppendUint64(append(make([]byte, 55), kind), uint64(number)))
}

// Anybody can name a page of events in transactions of his own, as many as he pays for.
func TestTransactionsThatOnlyNameAPageAreNotLookedInto(t *testing.T) {
	const events, between, apart = 20, 150, 1000
	program := contract.Key{7}
	// The newest first: what names the page, then an event, and so on.
	var index []string
	for id := events; id > 0; id-- {
		for i := range between {
			index = append(index, fmt.Sprintf(`{"signature":%q,"slot":%d,"err":null}`, signatureOf(1, id*between+i), id*apart+between-i))
		}
		index = append(index, fmt.Sprintf(`{"signature":%q,"slot":%d,"err":null}`, signatureOf(2, id), id*apart))
	}
	var lookups atomic.Int64
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Method string
			Params []json.RawMessage
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			t.Error(err)
		}
		switch request.Method {
		case "getGenesisHash":
			_, _ = fmt.Fprintf(w, `{"result":%q}`, madeUpGenesis)
		case "getSignaturesForAddress":
			_, _ = fmt.Fprintf(w, `{"result":%s}`, listedAfter(t, index, request.Params[1]))
		case "getTransaction":
			lookups.Add(1)
			var id string
			if err := json.Unmarshal(request.Params[0], &id); err != nil {
				t.Error(err)
			}
			_, _ = fmt.Fprintf(w, `{"result":%s}`, namingOrRecording(t, program, id, apart))
		default:
			t.Errorf("%s is asked for", request.Method)
		}
	}))
	t.Cleanup(node.Close)
	s, err := OpenSource(chain.SourceConfig{ChainID: Namespace + ":" + madeUpGenesis[:referenceLength], Endpoint: node.URL, Bridge: codec.Hash{3}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := contract.NewProgram(program)
	if err != nil {
		t.Fatal(err)
	}
	newest := contract.Mark{EventID: events, Slot: events * apart}
	f := &search{
		source: s, program: p, at: chain.Block{Number: (events + 1) * apart}, from: 1, to: events, found: map[uint64]sighting{},
		pin: &pinned{program: p, state: &contract.State{Marks: []contract.Mark{newest}}, counters: newest},
	}
	if err := f.byIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	if id, missing := f.missing(1, events); missing {
		t.Errorf("event %d is missing", id)
	}
	if got := lookups.Load(); got > parallel*events {
		t.Errorf("%d transactions were looked into for %d events", got, events)
	}
}

// listedAfter is the part of the index that a node answers.
func listedAfter(t *testing.T, index []string, options json.RawMessage) string {
	var o struct {
		Before string
		Limit  int
	}
	if err := json.Unmarshal(options, &o); err != nil {
		t.Error(err)
	}
	list := []json.RawMessage{}
	past := o.Before == ""
	for _, entry := range index {
		var e signature
		if err := json.Unmarshal([]byte(entry), &e); err != nil {
			t.Error(err)
		}
		if past && len(list) < o.Limit {
			list = append(list, json.RawMessage(entry))
		}
		past = past || e.Signature == o.Before
	}
	out, err := json.Marshal(list)
	if err != nil {
		t.Error(err)
	}
	return string(out)
}

// namingOrRecording is a transaction that names the program, and that records an event if its id says so.
func namingOrRecording(t *testing.T, program contract.Key, id string, apart int) string {
	raw, err := base58.Decode(id)
	if err != nil {
		t.Error(err)
	}
	number, inner, slot := binary.BigEndian.Uint64(raw[56:]), "", 0
	if raw[55] == 2 {
		slot = int(number) * apart
		record := []byte{15, 255, 4} // a pause: what matters is its id and the slot before
		record = binary.LittleEndian.AppendUint64(record, number)
		record = binary.LittleEndian.AppendUint64(record, (number-1)*uint64(apart))
		record = append(record, make([]byte, 24+4*8)...)
		record = binary.LittleEndian.AppendUint64(record, number)
		inner = fmt.Sprintf(`{"instructions":[{"programIdIndex":0,"accounts":[],"data":%q}]}`, base58.Encode(record))
	}
	return fmt.Sprintf(`{"slot":%d,"transaction":{"signatures":[%q],"message":{"accountKeys":[%q],"instructions":[]}},"meta":{"err":null,"innerInstructions":[%s]}}`,
		slot, id, program, inner)
}
