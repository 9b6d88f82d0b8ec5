package ledger_test

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/ledger/exampleapp"
	"github.com/trinebridge/trine/signing"
)

// TestScenarios runs the stories of testdata. Each file is one app chain; its first
// command is `network`. A command prints the log of the block that it makes, or why there
// was none. Every block is verified by a second ledger and audited to the last unit.
// `go test ./ledger -run Scenarios -rewrite` writes the outputs anew.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/scenarios", func(t *testing.T, path string) {
		s := &scenario{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.t, s.d = t, d
			s.out.Reset()
			command, ok := commands[d.Cmd]
			if !ok {
				t.Fatalf("unknown command %q", d.Cmd)
			}
			command(s)
			return s.out.String()
		})
	})
}

type scenario struct {
	t   *testing.T
	d   *datadriven.TestData
	w   *world
	out strings.Builder
	old *ledger.Attest // the last certificate that was applied
}

var commands = map[string]func(*scenario){
	"network":      (*scenario).network,
	"attach":       (*scenario).attach,
	"deposit":      (*scenario).deposit,
	"attest":       (*scenario).attest,
	"transfer":     (*scenario).transfer,
	"withdraw":     (*scenario).withdraw,
	"seal":         (*scenario).seal,
	"execute":      (*scenario).execute,
	"refuse":       (*scenario).refuse,
	"claim":        (*scenario).claim,
	"pause":        (*scenario).pause,
	"vote":         (*scenario).vote,
	"seal-control": (*scenario).sealControl,
	"control":      (*scenario).control,
	"report":       (*scenario).report,
	"tick":         (*scenario).tick,
	"wait":         (*scenario).wait,
	"name":         (*scenario).name,
	"account":      (*scenario).account,
	"bridge":       (*scenario).bridge,
	"queue":        (*scenario).queue,
	"withdrawal":   (*scenario).withdrawal,
	"action":       (*scenario).action,
	"time-moves":   (*scenario).timeMoves,
	"unassigned":   (*scenario).unassigned,
}

func (s *scenario) text(key, otherwise string) string {
	s.d.MaybeScanArgs(s.t, key, &otherwise)
	return otherwise
}

func (s *scenario) number(key string, otherwise uint64) uint64 {
	s.d.MaybeScanArgs(s.t, key, &otherwise)
	return otherwise
}

// amount reads a decimal number, or 2^n.
func (s *scenario) amount(key string) (n uint256.Int) {
	text := s.text(key, "0")
	if power, ok := strings.CutPrefix(text, "2^"); ok {
		bits, err := strconv.Atoi(power)
		if err != nil {
			s.t.Fatal(err)
		}
		n.Lsh(uint256.NewInt(1), uint(bits))
		return n
	}
	if err := n.SetFromDecimal(text); err != nil {
		s.t.Fatalf("%s=%s: %s", key, text, err)
	}
	return n
}

func (s *scenario) contract() *contract {
	return s.w.bridges["eip155:"+s.text("chain", "1")]
}

func (s *scenario) asset() ledger.AssetID {
	id, ok := s.w.ledger.Genesis().AssetBySymbol(s.text("asset", "USD"))
	if !ok {
		s.t.Fatalf("no asset %s", s.text("asset", "USD"))
	}
	return id
}

// token is the word of a token on the chain: an asset's, or any name's.
func (s *scenario) token() codec.Hash {
	asset := s.text("asset", "USD")
	s.w.know(strings.ToLower(asset) + " " + s.text("chain", "1"))
	s.w.names[wallet(strings.ToLower(asset)+" "+s.text("chain", "1")).String()] = strings.ToLower(asset)
	return wallet(strings.ToLower(asset) + " " + s.text("chain", "1"))
}

func (s *scenario) key(arg, otherwise string) *signing.KeySigner {
	name := s.text(arg, otherwise)
	var i int
	if n, _ := fmt.Sscanf(name, "listener-%d", &i); n == 1 {
		return s.w.listeners[i]
	}
	if n, _ := fmt.Sscanf(name, "approver-%d", &i); n == 1 {
		return s.w.approvers[i]
	}
	if name != "processor" {
		s.w.know(name)
	}
	return named(name)
}

func (s *scenario) send(key *signing.KeySigner, body ledger.MessageBody) bool {
	log, err := s.w.send(key, body)
	s.print(log, err)
	return err == nil
}

func (s *scenario) print(log ledger.Log, err error) {
	if err != nil {
		fmt.Fprintf(&s.out, "rejected: %s\n", s.w.named(err.Error()))
		return
	}
	for i := range log {
		fmt.Fprintln(&s.out, s.w.trace(log[i].Body))
	}
	if len(log) == 0 {
		fmt.Fprintln(&s.out, "ok")
	}
}

// named puts names in place of hashes, keys and addresses.
func (w *world) named(text string) string {
	for long, name := range w.names {
		text = strings.ReplaceAll(text, long, name)
	}
	return text
}

// trace is one line for a log entry: its name and its fields.
func (w *world) trace(body ledger.EntryBody) string {
	v := reflect.ValueOf(body).Elem()
	line := body.Name()
	for i := range v.NumField() {
		name := strings.ToLower(v.Type().Field(i).Name)
		switch f := v.Field(i).Interface().(type) {
		case codec.Hash:
			text, known := w.names[f.String()]
			if name == "failed" {
				text, known = fmt.Sprintf("%#b", new(uint256.Int).SetBytes(f[:]).Uint64()), true
			}
			if !known {
				text = f.Short()
			}
			if f.IsZero() {
				text = "-"
			}
			line += " " + name + "=" + text
		case uint256.Int:
			line += " " + name + "=" + f.Dec()
		case string:
			line += " " + name + "=" + strconv.Quote(w.named(f))
		case []byte:
			line += fmt.Sprintf(" %s=%d bytes", name, len(f))
		default:
			line += fmt.Sprintf(" %s=%v", name, f)
		}
	}
	return line
}

func (s *scenario) network() {
	genesis := testGenesis()
	genesis.Window, genesis.Batch = s.number("window", 0), s.number("batch", 0)
	for i := range genesis.Chains {
		genesis.Chains[i].Skew = s.number("skew", 0)
	}
	genesis.Chains[0].Batch = s.number("batch-here", 0)
	genesis.Assets[0].MinOpening = s.amount("opening")
	w, err := newWorld(genesis)
	if err != nil {
		s.t.Fatal(err)
	}
	s.w = w
	if !s.d.HasArg("bare") {
		for i, chain := range []string{one, two} {
			if _, err := w.send(w.processor, w.attachMessage(chain, uint64(i)+1)); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	s.out.WriteString("ok\n")
}

func (s *scenario) attach() {
	m := s.w.attachMessage("eip155:"+s.text("chain", "1"), s.number("sequence", 1))
	switch s.text("fault", "") {
	case "one-approver":
		m.Approvers = m.Approvers[:1]
	case "approvers-twice":
		m.Listeners = m.Approvers
	case "other-set":
		m.SetHash = codec.Keccak([]byte("another set"))
		s.w.names[m.SetHash.String()], s.w.names[s.w.set.Hash().String()] = "another set", "the set"
	case "other-code":
		m.CodeHash = codec.Keccak([]byte("other code"))
	case "unknown-chain":
		m.Chain = "eip155:77"
	}
	s.send(s.key("by", "processor"), m)
}

// deposit happens on the chain; attest brings it in. keys lists names, `!name` for a key
// whose proof is for another wallet.
func (s *scenario) deposit() {
	c := s.contract()
	owner := s.text("wallet", "alice")
	s.w.know(owner)
	var keys []bridgecontracts.KeyProof
	if arg, ok := s.d.Arg("keys"); ok {
		for _, name := range arg.Vals {
			name, wrong := strings.CutPrefix(name, "!")
			s.w.know(name)
			address := wallet(owner)
			if wrong {
				address = wallet("somebody else")
			}
			p := proof(c, address, named(name))
			keys = append(keys, p)
		}
	}
	if err := c.deposit(wallet(owner), s.token(), s.amount("amount"), keys...); err != nil {
		s.out.WriteString("the bridge refuses: " + err.Error() + "\n")
		return
	}
	fmt.Fprintf(&s.out, "event %d\n", len(c.events))
}

func (s *scenario) attest() {
	c := s.contract()
	m := &ledger.Attest{Domain: c.domain, Generation: s.number("generation", 1), Events: c.pending()}
	signers := s.w.listeners
	switch s.text("fault", "") {
	case "gap":
		m.Events = m.Events[1:]
	case "replay":
		m = s.old
	case "approvers":
		signers = s.w.approvers
	}
	if m != s.old {
		s.w.signCertificate(c, m, signers)
	}
	switch s.text("fault", "") {
	case "one-signature":
		m.Signatures = m.Signatures[:1]
	case "same-twice":
		m.Signatures[1] = m.Signatures[0]
	case "descending":
		m.Signatures[0], m.Signatures[1] = m.Signatures[1], m.Signatures[0]
	case "changed":
		changed := *m.Events[0].Body.(*bridgecontracts.Deposited)
		changed.Amount.AddUint64(&changed.Amount, 1)
		m.Events = []bridgecontracts.Event{{ID: m.Events[0].ID, Body: &changed}}
	case "none":
		m.Events = nil
	}
	if s.send(s.key("by", "processor"), m) {
		c.reported += len(m.Events)
		s.old = m
	}
}

func (s *scenario) transfer() {
	s.send(s.key("from", "alice"), &ledger.Transfer{To: s.key("to", "bob").PublicKey(), Asset: s.asset(), Amount: s.amount("amount")})
}

func (s *scenario) withdraw() {
	to := wallet(s.text("to", s.text("from", "alice")))
	s.w.know(s.text("to", s.text("from", "alice")))
	switch s.text("to", "") {
	case "bridge":
		to = s.contract().address
	case "zero":
		to = codec.Hash{}
	case "wide":
		to = codec.Keccak([]byte("32 bytes"))
	}
	s.send(s.key("from", "alice"), &ledger.Withdraw{Chain: "eip155:" + s.text("chain", "1"), Asset: s.asset(), To: to, Amount: s.amount("amount")})
}

func (s *scenario) seal() {
	m, err := s.w.sealMessage(s.contract(), s.number("action", 1))
	if err != nil {
		s.t.Fatal(err)
	}
	switch s.text("fault", "") {
	case "revision":
		m.Revision++
	case "one-approver":
		m.Seal.Approvers = m.Seal.Approvers[:1]
	case "listeners-too":
		m.Seal.Listeners = m.Seal.Approvers
	case "epoch":
		m.Seal.Epoch++
	case "no-processor":
		m.Seal.Processor = m.Seal.Approvers[0]
	}
	s.send(s.key("by", "processor"), m)
}

// execute delivers an action to the bridge. revision asks for an older digest, with the
// seal that it had; forge makes the bridge report something else.
func (s *scenario) execute() {
	c, id := s.contract(), s.number("action", 1)
	if s.d.HasArg("forge") {
		c.emit(&bridgecontracts.ActionExecuted{ActionID: id, Digest: codec.Keccak([]byte("nobody asked for this"))})
		fmt.Fprintf(&s.out, "event %d\n", len(c.events))
		return
	}
	r, _, err := s.w.view().Action(c.domain, id)
	if err != nil {
		s.t.Fatal(err)
	}
	action, seal := r.Action, r.Seal
	if s.d.HasArg("revision") {
		action.Body = transfersOf(s.w, c, &r)
		old := s.w.seal(action.Digest(c.domain, s.w.set.Epoch), false)
		seal = &old
	}
	if err := c.execute(action, seal); err != nil {
		s.out.WriteString("the bridge refuses: " + err.Error() + "\n")
		return
	}
	fmt.Fprintf(&s.out, "event %d\n", len(c.events))
}

// transfersOf rebuilds the first revision of an action.
func transfersOf(w *world, c *contract, r *ledger.ActionRecord) *bridgecontracts.Transfers {
	body := &bridgecontracts.Transfers{}
	for _, x := range r.Withdrawals {
		asset, _ := w.ledger.Genesis().Asset(x.Asset)
		token, _ := asset.TokenOn(c.chain)
		body.Transfers = append(body.Transfers, bridgecontracts.Transfer{Token: token.Address, To: x.To, Amount: x.Amount})
	}
	return body
}

func (s *scenario) refuse() {
	name := s.text("recipient", "alice")
	s.contract().refuses[wallet(name)] = s.text("until", "") == ""
	s.out.WriteString("ok\n")
}

func (s *scenario) claim() {
	c := s.contract()
	c.refuses[wallet(s.text("recipient", "alice"))] = false
	if s.d.HasArg("forge") {
		c.emit(&bridgecontracts.Claimed{Token: s.token(), Recipient: wallet(s.text("recipient", "alice")), Amount: s.amount("amount")})
	} else if err := c.claim(s.token(), wallet(s.text("recipient", "alice"))); err != nil {
		s.out.WriteString("the bridge refuses: " + err.Error() + "\n")
		return
	}
	fmt.Fprintf(&s.out, "event %d\n", len(c.events))
}

func (s *scenario) pause() {
	s.contract().pause()
	fmt.Fprintf(&s.out, "event %d\n", len(s.contract().events))
}

// report lets the bridge say what the ledger took no part in.
func (s *scenario) report() {
	c := s.contract()
	switch {
	case s.d.HasArg("limit"):
		c.setLimit(&bridgecontracts.SetLimit{Token: s.token(), Capacity: s.amount("capacity"), Window: s.number("window", 3600)})
	case s.d.HasArg("unpause"):
		c.pauseSequence++
		c.emit(&bridgecontracts.Unpaused{Sequence: c.pauseSequence})
	case s.d.HasArg("rotate"):
		hash := codec.Keccak([]byte("an unknown set"))
		s.w.names[hash.String()] = "an unknown set"
		c.emit(&bridgecontracts.SetRotated{Epoch: s.number("rotate", 2), SetHash: hash})
	}
	fmt.Fprintf(&s.out, "event %d\n", len(c.events))
}

func (s *scenario) tick() { s.send(s.key("by", "processor"), &ledger.Tick{}) }

// wait lets time pass on the app chain and on the chains.
func (s *scenario) wait() {
	seconds := s.number("seconds", 0)
	s.w.time += 1000 * seconds
	for _, c := range s.w.bridges {
		c.now += seconds
	}
	s.out.WriteString("ok\n")
}

func (s *scenario) name() {
	m := exampleapp.Message{Action: exampleapp.Claim, Name: exampleapp.Name(s.text("name", "")), Asset: s.asset(), Price: s.amount("price")}
	switch s.text("do", "claim") {
	case "offer":
		m.Action = exampleapp.Offer
	case "buy":
		m.Action = exampleapp.Buy
	}
	s.send(s.key("by", "alice"), &ledger.AppMessage{Data: codec.Marshal(&m)})
}

func (s *scenario) account() {
	key := s.key("of", "alice")
	a, ok, err := s.w.view().AccountByKey(key.PublicKey())
	if err != nil {
		s.t.Fatal(err)
	}
	if !ok {
		if a, ok, err = s.w.view().AccountByWallet("eip155:"+s.text("chain", "1"), key.Address().Word()); err != nil {
			s.t.Fatal(err)
		}
	}
	if !ok {
		s.out.WriteString("no account\n")
		return
	}
	fmt.Fprintf(&s.out, "account %d\n", a.ID)
	for _, k := range a.Keys {
		fmt.Fprintf(&s.out, "  key %s nonce %d\n", s.w.named(k.Key.String()), k.Nonce)
	}
	for _, x := range a.Wallets {
		fmt.Fprintf(&s.out, "  wallet %s on %s\n", s.w.named(x.Address.String()), x.Chain)
	}
	for _, b := range a.Balances {
		asset, _ := s.w.ledger.Genesis().Asset(b.Asset)
		fmt.Fprintf(&s.out, "  %s %s\n", b.Amount.Dec(), asset.Symbol)
	}
}

func (s *scenario) bridge() {
	b, ok, err := s.w.view().BridgeByChain("eip155:" + s.text("chain", "1"))
	if err != nil || !ok {
		s.t.Fatal(ok, err)
	}
	fmt.Fprintf(&s.out, "event %d, actions %d emitted %d executed, pause %d, limit version %d, epoch %d\n",
		b.EventID, b.LastAction, b.LastExecuted, b.PauseSequence, b.LimitVersion, b.Epoch)
	if b.Halted != "" {
		fmt.Fprintf(&s.out, "halted: %s\n", s.w.named(b.Halted))
	}
	for i := range b.Tokens {
		t := &b.Tokens[i]
		if t.Held.IsZero() && t.QueueHead == t.QueueTail {
			continue
		}
		available := t.Available()
		fmt.Fprintf(&s.out, "%s: held %s, in flight %s, claimable %s, dust %s, available %s, queued %s in %d\n", s.w.named(t.Token.String()),
			t.Held.Dec(), t.InFlight.Dec(), t.Claimable.Dec(), t.Dust.Dec(), available.Dec(), t.Queued.Dec(), t.QueueTail-t.QueueHead)
	}
}

func (s *scenario) queue() {
	list, err := s.w.view().Queue(s.contract().domain, s.asset(), s.number("offset", 0), s.number("limit", 100))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range list {
		fmt.Fprintf(&s.out, "%d: %s to %s\n", list[i].Sequence, list[i].Amount.Dec(), s.w.named(list[i].To.String()))
	}
}

func (s *scenario) withdrawal() {
	r, ok, err := s.w.view().Withdrawal(s.contract().domain, s.number("sequence", 1))
	if err != nil || !ok {
		s.t.Fatal(ok, err)
	}
	fmt.Fprintf(&s.out, "%s to %s: %s", r.Amount.Dec(), s.w.named(r.To.String()), r.Place)
	if ahead, waits, err := s.w.view().QueuePosition(s.contract().domain, r.Sequence); err != nil {
		s.t.Fatal(err)
	} else if waits {
		fmt.Fprintf(&s.out, " after %d others", ahead)
	}
	if r.Action != 0 {
		fmt.Fprintf(&s.out, " in action %d as transfer %d", r.Action, r.Index)
	}
	s.out.WriteString("\n")
}

func (s *scenario) action() {
	r, ok, err := s.w.view().Action(s.contract().domain, s.number("action", 1))
	if err != nil || !ok {
		s.t.Fatal(ok, err)
	}
	fmt.Fprintf(&s.out, "revision %d is %s", r.Revision, r.Status)
	if _, noop := r.Action.Body.(*bridgecontracts.Noop); noop {
		s.out.WriteString(", a noop")
	}
	fmt.Fprintf(&s.out, "; %d digests\n", len(r.Digests))
	for i := range r.Withdrawals {
		x := &r.Withdrawals[i]
		fmt.Fprintf(&s.out, "  withdrawal %d: %s to %s\n", x.Sequence, x.Amount.Dec(), s.w.named(x.To.String()))
	}
}

// timeMoves says what time alone would do, asking twice: by trying, and by computing.
func (s *scenario) timeMoves() {
	domain := s.contract().domain
	now, err := s.w.view().WouldDrain(domain, s.w.time)
	if err != nil {
		s.t.Fatal(err)
	}
	at, ever, err := s.w.view().NextDrainTime(domain)
	if err != nil {
		s.t.Fatal(err)
	}
	if now != (ever && at <= s.w.time) {
		s.t.Fatalf("WouldDrain says %t, NextDrainTime %d, %t at %d", now, at, ever, s.w.time)
	}
	switch {
	case now:
		s.out.WriteString("now\n")
	case ever:
		fmt.Fprintf(&s.out, "in %d s\n", (at-s.w.time)/1000)
	default:
		s.out.WriteString("never\n")
	}
}

func (s *scenario) unassigned() {
	u, ok, err := s.w.view().Unassigned(s.contract().domain, s.number("event", 1))
	if err != nil || !ok {
		s.t.Fatal(ok, err)
	}
	fmt.Fprintf(&s.out, "%T: %s\n", u.Event.Body, s.w.named(u.Reason))
}
