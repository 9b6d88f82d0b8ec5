package solana

import (
	"bytes"
	"context"
	"errors"

	sol "github.com/gagliardetto/solana-go"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
)

const (
	// bodyPart is how many bytes of a body one instruction posts, signaturePart how many signatures.
	bodyPart      = 800
	signaturePart = 6
	// Compute units of what prepares a delivery, generously: each is measured in the program's own tests.
	unitsBase      = 10_000
	unitsSignature = 27_000
	// Making a token account takes more the further its bump is from 255, and a recipient can look for an address with a far one.
	unitsAccount = 120_000
	// unitsPosted and unitsTransfer are for a delivery whose buffer is not there yet, so that it cannot be simulated.
	unitsPosted   = 60_000
	unitsTransfer = 60_000
)

// bundle is a delivery and the transactions that have to land before it.
type bundle struct {
	before   []*message
	delivery *message
}

// written lists the accounts that the bundle writes: what its price depends on.
func (b *bundle) written() (keys []contract.Key) {
	seen := map[contract.Key]bool{}
	for _, m := range append([]*message{b.delivery}, b.before...) {
		for _, i := range m.instructions {
			for _, a := range i.Accounts() {
				if a.IsWritable && !seen[a.PublicKey] {
					seen[a.PublicKey] = true
					keys = append(keys, a.PublicKey)
				}
			}
		}
	}
	return keys
}

// assemble finds the smallest number of transactions that the delivery fits: seal and body in one; else the
// signatures, then the body too, in a buffer; else the recipients' token accounts made beforehand as well.
func (j *job) assemble(ctx context.Context) (*bundle, error) {
	w := j.where()
	whole := j.message(w, maxUnits)
	fits, err := whole.fits(j.sink.payer)
	if err != nil {
		return nil, err
	}
	if fits {
		return j.single(ctx, w)
	}
	if j.batch != nil { // the delivery cannot be tried before its buffer is there, and then it is late for marks
		if _, err := j.probe(ctx, j.unseen()); err != nil {
			return nil, err
		}
		if j.content, err = j.batch.content(); err != nil {
			return nil, &chain.Error{Verdict: chain.Fatal, Err: err}
		}
	}
	buffer, held, err := j.buffer(ctx)
	if err != nil {
		return nil, err
	}
	w.Buffer, w.SignaturesPosted = buffer, true
	var accounts []contract.Instruction
	for _, step := range []func() error{
		func() error { return nil },
		func() error { w.BodyPosted = len(j.content.Body) > 0; return nil },
		func() (err error) { accounts, err = j.makeAccounts(); return err },
	} {
		if err := step(); err != nil {
			return nil, err
		}
		if fits, err = j.message(w, maxUnits).fits(j.sink.payer); err != nil {
			return nil, err
		}
		if fits {
			return j.posted(ctx, w, held, accounts)
		}
	}
	size, err := j.message(w, maxUnits).size(j.sink.payer)
	if err != nil {
		return nil, err
	}
	return nil, chain.Errorf(chain.Fatal, "the delivery takes %d bytes even with seal and body posted, a transaction has %d: it names too many accounts", size, maxWire)
}

// buffer reads what was posted for this delivery before.
func (j *job) buffer(ctx context.Context) (contract.Key, *contract.Buffer, error) {
	key, _, err := j.program.Buffer(j.sink.payer, j.signatures.Digest)
	if err != nil {
		return key, nil, &chain.Error{Verdict: chain.Fatal, Err: err}
	}
	_, accounts, err := j.sink.source.node.accounts(ctx, confirmed, 0, key)
	if err != nil || accounts[0] == nil || accounts[0].Owner != j.program.ID {
		return key, nil, err
	}
	held, err := contract.DecodeBuffer(accounts[0].Data)
	if err != nil {
		return key, nil, j.sink.source.fault(chain.Fatal, err)
	}
	return key, held, nil
}

// single is a delivery in one transaction, its limit taken from a simulation.
func (j *job) single(ctx context.Context, w contract.Where) (*bundle, error) {
	s, err := j.trial(ctx, w, confirmed)
	if err == nil && s.failed != nil && j.batch != nil {
		s, err = j.mend(ctx, w, s)
	}
	switch {
	case errors.Is(err, errTooBig):
		return j.assemble(ctx) // it has grown by what the simulation showed
	case err != nil:
		return nil, err
	case s.failed != nil:
		return nil, verdictOf(s.failed)
	}
	return &bundle{delivery: j.message(w, limitFor(s.units))}, nil
}

// errTooBig is a delivery that does not fit one transaction.
var errTooBig = errors.New("the delivery does not fit one transaction")

// trial simulates the delivery with the present content.
func (j *job) trial(ctx context.Context, w contract.Where, commitment string) (simulation, error) {
	m := j.message(w, maxUnits)
	if fits, err := m.fits(j.sink.payer); err != nil || !fits {
		return simulation{}, errors.Join(err, errTooBig)
	}
	return j.sink.source.node.simulate(ctx, m, j.sink.payer, commitment)
}

// posted is a delivery whose signatures, and perhaps body, are in a buffer.
func (j *job) posted(ctx context.Context, w contract.Where, held *contract.Buffer, accounts []contract.Instruction) (*bundle, error) {
	steps, err := j.posting(w, held)
	if err != nil {
		return nil, err
	}
	for _, i := range accounts {
		steps = append(steps, costed{i, unitsAccount})
	}
	if len(steps) == 0 { // all is there: what is left is an ordinary delivery
		s, err := j.trial(ctx, w, confirmed)
		if err == nil && s.failed != nil && j.batch != nil && !w.BodyPosted {
			s, err = j.mend(ctx, w, s)
		}
		if errors.Is(err, errTooBig) {
			return j.assemble(ctx) // it has grown by what the simulation showed
		}
		if err != nil {
			return nil, err
		}
		if s.failed != nil {
			return nil, verdictOf(s.failed)
		}
		return &bundle{delivery: j.message(w, limitFor(s.units))}, nil
	}
	b := &bundle{}
	if b.before, err = pack(j.sink.payer, steps); err != nil {
		return nil, err
	}
	// The first of them is the only one that can be tried on the chain as it is.
	s, err := j.sink.source.node.simulate(ctx, b.before[0], j.sink.payer, confirmed)
	if err != nil {
		return nil, err
	}
	if s.failed != nil {
		return nil, verdictOf(s.failed)
	}
	units := unitsPosted
	if j.batch != nil {
		units += unitsTransfer * len(j.batch.payments)
	}
	b.delivery = j.message(w, uint32(min(units, maxUnits)))
	return b, nil
}

// costed is an instruction and what it may take.
type costed struct {
	contract.Instruction
	units uint32
}

// posting lists what brings a buffer from what it holds to what the delivery needs.
func (j *job) posting(w contract.Where, held *contract.Buffer) (steps []costed, err error) {
	var body []byte
	if w.BodyPosted {
		body = j.content.Body
	}
	if held != nil && (held.Epoch != j.signatures.Epoch || len(held.Body) != len(body)) {
		steps = append(steps, costed{j.program.CloseBuffer(w.Poster, w.Buffer), unitsBase})
		held = nil
	}
	written := make([]byte, len(body))
	if held == nil {
		open, err := j.program.OpenBuffer(w.Poster, j.signatures.Digest, len(body))
		if err != nil {
			return nil, &chain.Error{Verdict: chain.Fatal, Err: err}
		}
		steps = append(steps, costed{open, 2 * unitsBase})
	} else {
		written = held.Body
	}
	for at := 0; at < len(body); at += bodyPart {
		end := min(at+bodyPart, len(body))
		if held == nil || !bytes.Equal(written[at:end], body[at:end]) {
			steps = append(steps, costed{j.program.PostBody(w.Poster, w.Buffer, uint32(at), body[at:end]), unitsBase})
		}
	}
	for _, part := range j.signatures.Missing(held).Split(signaturePart) {
		steps = append(steps, costed{j.program.PostSignatures(w.Buffer, part), unitsBase + uint32(part.Count())*unitsSignature})
	}
	return steps, nil
}

// makeAccounts has the recipients' missing token accounts made before the delivery, which then names them only.
func (j *job) makeAccounts() (out []contract.Instruction, err error) {
	if j.batch == nil {
		return nil, nil
	}
	for i := range j.batch.payments {
		how := &j.batch.payments[i]
		if !how.Create {
			continue
		}
		t := &j.batch.body.Transfers[i]
		token := j.batch.tokens[contract.Key(t.Token)]
		instruction, err := createTokenAccount(j.sink.payer, contract.Key(t.To), token.Program, token.Mint)
		if err != nil {
			return nil, &chain.Error{Verdict: chain.Fatal, Err: err}
		}
		how.Create = false
		out = append(out, instruction)
	}
	if j.content, err = j.batch.content(); err != nil {
		return nil, &chain.Error{Verdict: chain.Fatal, Err: err}
	}
	return out, nil
}

// createTokenAccount makes an owner's associated token account unless it is there.
func createTokenAccount(payer, owner, tokenProgram, mint contract.Key) (contract.Instruction, error) {
	account, _, err := contract.TokenAccount(owner, tokenProgram, mint)
	if err != nil {
		return nil, err
	}
	return sol.NewInstruction(contract.AssociatedTokenProgram, sol.AccountMetaSlice{
		sol.Meta(payer).WRITE().SIGNER(), sol.Meta(account).WRITE(), sol.Meta(owner), sol.Meta(mint), sol.Meta(contract.SystemProgram), sol.Meta(tokenProgram),
	}, []byte{1}), nil
}

// pack puts instructions into as few transactions as their order allows.
func pack(payer contract.Key, steps []costed) (out []*message, err error) {
	for _, step := range steps {
		if len(out) > 0 {
			last := out[len(out)-1]
			longer := &message{instructions: append(append([]contract.Instruction(nil), last.instructions...), step.Instruction), units: last.units + step.units}
			fits, err := longer.fits(payer)
			if err != nil {
				return nil, err
			}
			if fits && longer.units <= maxUnits {
				out[len(out)-1] = longer
				continue
			}
		}
		out = append(out, &message{instructions: []contract.Instruction{step.Instruction}, units: step.units})
	}
	return out, nil
}
