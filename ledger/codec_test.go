package ledger

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/holiman/uint256"
	"github.com/near/borsh-go"
	"pgregory.net/rapid"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/merkle"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// records are all that the package encodes, but messages and entries.
var records = []func() codec.Record{
	func() codec.Record { return new(Header) }, func() codec.Record { return new(Load) },
	func() codec.Record { return new(Genesis) }, func() codec.Record { return new(Chain) },
	func() codec.Record { return new(Asset) }, func() codec.Record { return new(Token) },
	func() codec.Record { return new(Account) }, func() codec.Record { return new(AccountKey) },
	func() codec.Record { return new(Wallet) }, func() codec.Record { return new(Balance) },
	func() codec.Record { return new(Bridge) }, func() codec.Record { return new(TokenBook) },
	func() codec.Record { return new(Bucket) }, func() codec.Record { return new(Withdrawal) },
	func() codec.Record { return new(WithdrawalRecord) }, func() codec.Record { return new(ActionRecord) },
	func() codec.Record { return new(ActionDigest) }, func() codec.Record { return new(ControlRecord) },
	func() codec.Record { return new(ControlVote) }, func() codec.Record { return new(UnassignedEvent) },
	func() codec.Record { return new(Meta) }, func() codec.Record { return new(Transaction) },
	func() codec.Record { return new(Block) }, func() codec.Record { return new(Log) },
	func() codec.Record { return new(validators.Set) },
	func() codec.Record { return new(number) }, func() codec.Record { return new(hashes) },
	func() codec.Record { return new(word) }, func() codec.Record { return new(amount) },
}

func messages() (list []MessageBody) {
	for tag := range 256 {
		if body, ok := newMessageBody(uint8(tag)); ok {
			list = append(list, body)
		}
	}
	return list
}

func entries() (list []EntryBody) {
	for tag := range 256 {
		if body, ok := newEntryBody(uint8(tag)); ok {
			list = append(list, body)
		}
	}
	return list
}

// fill sets every field below v to something random; lists get up to three elements.
func fill(t *rapid.T, v reflect.Value) {
	if v.CanAddr() {
		switch p := v.Addr().Interface().(type) {
		case *uint256.Int:
			for i := range p {
				p[i] = rapid.Uint64().Draw(t, "limb")
			}
			return
		case *MessageBody:
			*p = oneOf(t, messages())
		case *EntryBody:
			*p = oneOf(t, entries())
		case *bridgecontracts.EventBody:
			*p = oneOf(t, []bridgecontracts.EventBody{&bridgecontracts.Deposited{}, &bridgecontracts.ActionExecuted{}, &bridgecontracts.LimitSet{}, &bridgecontracts.Claimed{}})
		case *bridgecontracts.ActionBody:
			*p = oneOf(t, []bridgecontracts.ActionBody{&bridgecontracts.Transfers{}, &bridgecontracts.Call{}, &bridgecontracts.Noop{}})
		case *bridgecontracts.ControlBody:
			*p = oneOf(t, []bridgecontracts.ControlBody{&bridgecontracts.Rotate{}, &bridgecontracts.Pause{}, &bridgecontracts.Unpause{}, &bridgecontracts.SetLimit{}})
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Interface:
		fill(t, v.Elem())
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		fill(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.Zero(v.Type()))
		if n := rapid.IntRange(0, 3).Draw(t, "length"); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
		}
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.String:
		v.SetString(rapid.StringN(0, 8, 32).Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	default:
		v.SetUint(rapid.Uint64().Draw(t, "number") >> (64 - v.Type().Bits()))
	}
}

func oneOf[T any](t *rapid.T, list []T) T {
	return list[rapid.IntRange(0, len(list)-1).Draw(t, "which")]
}

// reference takes a value apart into plain ones that borsh-go encodes. What it has no form
// for is put together as Borsh says: an amount of 256 bits is its four limbs, an enum its
// tag and its body, an option its byte and its value.
func reference(v reflect.Value) []any {
	if v.CanInterface() {
		switch x := v.Interface().(type) {
		case uint256.Int:
			return []any{[4]uint64(x)}
		case MessageBody:
			return append([]any{x.tag()}, reference(reflect.ValueOf(x).Elem())...)
		case EntryBody:
			return append([]any{x.entryTag()}, reference(reflect.ValueOf(x).Elem())...)
		case bridgecontracts.EventBody:
			return append([]any{uint8(x.Kind())}, reference(reflect.ValueOf(x).Elem())...)
		case bridgecontracts.ActionBody:
			return append([]any{uint8(x.Kind())}, reference(reflect.ValueOf(x).Elem())...)
		case bridgecontracts.ControlBody:
			return append([]any{uint8(x.Kind())}, reference(reflect.ValueOf(x).Elem())...)
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		var list []any
		for i := range v.NumField() {
			list = append(list, reference(v.Field(i))...)
		}
		return list
	case reflect.Pointer:
		if v.IsNil() {
			return []any{uint8(0)}
		}
		return append([]any{uint8(1)}, reference(v.Elem())...)
	case reflect.Slice:
		list := []any{uint32(v.Len())}
		for i := range v.Len() {
			list = append(list, reference(v.Index(i))...)
		}
		return list
	case reflect.Array:
		var list []any
		for i := range v.Len() {
			list = append(list, reference(v.Index(i))...)
		}
		return list
	case reflect.Bool:
		if v.Bool() {
			return []any{uint8(1)}
		}
		return []any{uint8(0)}
	}
	return []any{v.Interface()}
}

// TestRecordsAreBorsh compares every record, filled at random, with near/borsh-go's bytes,
// and reads it back.
func TestRecordsAreBorsh(t *testing.T) {
	all := append([]func() codec.Record(nil), records...)
	for _, body := range messages() {
		all = append(all, func() codec.Record { return &Message{Body: body} })
	}
	for _, body := range entries() {
		all = append(all, func() codec.Record { return &Entry{Body: body} })
	}
	for _, make := range all {
		r := make()
		t.Run(strings.TrimPrefix(reflect.TypeOf(r).String(), "*"), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				r := make()
				fill(t, reflect.ValueOf(r).Elem())
				var want []byte
				for _, part := range reference(reflect.ValueOf(r).Elem()) {
					b, err := borsh.Serialize(part)
					if err != nil {
						t.Fatal(err)
					}
					want = append(want, b...)
				}
				got := codec.Marshal(r)
				if !bytes.Equal(got, want) {
					t.Fatalf("%+v:\n got %x\nwant %x", r, got, want)
				}
				again := reflect.New(reflect.TypeOf(r).Elem()).Interface().(codec.Record)
				if err := codec.Unmarshal(got, again, merkle.MaxValueSize); err != nil {
					t.Fatalf("%+v: %v", r, err)
				}
				if !bytes.Equal(codec.Marshal(again), got) {
					t.Fatalf("%+v came back as %+v", r, again)
				}
			})
		})
	}
}

// TestLargestRecordsFit reads back records at the bounds that the machine keeps.
func TestLargestRecordsFit(t *testing.T) {
	account := Account{Keys: make([]AccountKey, MaxAccountKeys), Wallets: make([]Wallet, MaxAccountWallets), Balances: make([]Balance, MaxAssets)}
	for i := range account.Wallets {
		account.Wallets[i].Chain = strings.Repeat("c", MaxName)
	}
	bridge := Bridge{Chain: strings.Repeat("c", MaxName), Halted: strings.Repeat("h", maxReason), Tokens: make([]TokenBook, MaxAssets)}
	seal := bridgecontracts.Seal{Approvers: make([]signing.Signature, validators.MaxMembers), Listeners: make([]signing.Signature, validators.MaxMembers)}
	action := ActionRecord{Action: bridgecontracts.Action{Body: &bridgecontracts.Transfers{Transfers: make([]bridgecontracts.Transfer, MaxBatch)}},
		Withdrawals: make([]Withdrawal, MaxBatch), Digests: make([]ActionDigest, maxDigests), Seal: &seal}
	control := ControlRecord{Control: bridgecontracts.Control{Body: &bridgecontracts.SetLimit{}}, Votes: make([]ControlVote, 2*validators.MaxMembers), Seal: &seal}
	slot := make(hashes, maxSlot)
	event := UnassignedEvent{Event: bridgecontracts.Event{Body: &bridgecontracts.Deposited{Keys: make([]bridgecontracts.KeyProof, bridgecontracts.MaxDepositKeys)}}, Reason: strings.Repeat("r", maxReason)}
	meta := Meta{Bridges: make([]codec.Hash, MaxChains)}
	for _, r := range []codec.Record{&account, &bridge, &action, &control, &slot, &event, &meta} {
		data := codec.Marshal(r)
		again := reflect.New(reflect.TypeOf(r).Elem()).Interface().(codec.Record)
		if err := codec.Unmarshal(data, again, merkle.MaxValueSize); err != nil {
			t.Errorf("%T of %d bytes: %v", r, len(data), err)
		}
	}
}

func TestReasonsAreBounded(t *testing.T) {
	for _, text := range []string{"short", strings.Repeat("a", 300), strings.Repeat("ä", 200), strings.Repeat("\xff", 300)} {
		got := reasonf("%s", text)
		if len(got) > maxReason || (utf8.ValidString(text) && !utf8.ValidString(got)) {
			t.Errorf("reason of %d bytes: %q", len(got), got)
		}
	}
}

// fuzzed feeds bytes to a decoder: it must refuse them or read what encodes to them again.
func fuzzed(f *testing.F, limit int, seeds []codec.Record, open func() codec.Record) {
	for _, seed := range seeds {
		f.Add(codec.Marshal(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := open()
		if err := codec.Unmarshal(data, r, limit); err != nil {
			return
		}
		if again := codec.Marshal(r); !bytes.Equal(again, data) {
			t.Fatalf("%x was read as %x", data, again)
		}
	})
}

func FuzzTransaction(f *testing.F) {
	tx := &Transaction{}
	for _, body := range messages() {
		if vote, ok := body.(*VoteControl); ok {
			vote.Control.Body = &bridgecontracts.Unpause{}
		}
		tx.Messages = append(tx.Messages, Message{Body: body})
	}
	fuzzed(f, MaxTransactionSize, []codec.Record{tx}, func() codec.Record { return new(Transaction) })
}

func FuzzBlock(f *testing.F) {
	b := &Block{Loads: []Load{{Data: []byte("load")}}}
	b.Tx.Messages = []Message{{Body: &Transfer{}}, {Body: &Attest{Events: []bridgecontracts.Event{{ID: 1, Body: &bridgecontracts.Deposited{}}}}}}
	fuzzed(f, MaxBlockSize, []codec.Record{b}, func() codec.Record { return new(Block) })
}

// FuzzGenesis also validates what it reads, which must not panic either.
func FuzzGenesis(f *testing.F) {
	g := &Genesis{Network: "n", Chains: []Chain{{ID: "eip155:1"}}, Assets: []Asset{{Symbol: "A", Tokens: []Token{{Chain: "eip155:1"}}}}}
	f.Add(codec.Marshal(g))
	f.Fuzz(func(t *testing.T, data []byte) {
		var g Genesis
		if codec.Unmarshal(data, &g, MaxGenesisSize) != nil {
			return
		}
		if !bytes.Equal(codec.Marshal(&g), data) {
			t.Fatal("it encodes to something else")
		}
		if _, err := New(g, nil); err == nil && g.Validate() != nil {
			t.Fatal("an invalid genesis makes a ledger")
		}
	})
}

func FuzzLog(f *testing.F) {
	var log Log
	for _, body := range entries() {
		log = append(log, Entry{Body: body})
	}
	fuzzed(f, MaxBlockSize, []codec.Record{&log}, func() codec.Record { return new(Log) })
}

// FuzzRecord reads the bytes as the record that their first byte picks.
func FuzzRecord(f *testing.F) {
	for i := range records {
		f.Add(byte(i), []byte{})
		f.Add(byte(i), make([]byte, 200))
	}
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		r := records[int(which)%len(records)]()
		if codec.Unmarshal(data, r, merkle.MaxValueSize) == nil && !bytes.Equal(codec.Marshal(r), data) {
			t.Fatalf("%T: %x encodes to something else", r, data)
		}
	})
}
