package solana

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	sol "github.com/gagliardetto/solana-go"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

const (
	// bufferHeader and programSize are what the loader keeps in an account before the code, and in the program's.
	bufferHeader = 37
	programSize  = 36
	// codePart is how many bytes of code one transaction carries, uploads how many are on their way at the same time.
	codePart = 940
	uploads  = 24
)

// deployment is one bridge that is being put on a cluster. Everything about it follows from the fee payer's key, the
// genesis, the cluster and the set: so one that was broken off goes on where it stopped.
type deployment struct {
	sender  *sender
	config  chain.DeployConfig
	code    []byte
	program *signing.Ed25519Payer
	buffer  *signing.Ed25519Payer
	bridge  contract.Program
	data    contract.Key
}

// Deploy puts a new bridge on a cluster, initialises it, by which it loses its upgrade authority, and checks its code.
func Deploy(ctx context.Context, config chain.DeployConfig) (chain.Deployed, error) {
	d, err := deploy(ctx, config)
	if err != nil {
		return chain.Deployed{}, fmt.Errorf("deploy a bridge on %s: %w", config.ChainID, err)
	}
	return d, nil
}

func deploy(ctx context.Context, config chain.DeployConfig) (chain.Deployed, error) {
	n, err := openNode(config.ChainID, config.Endpoint)
	if err != nil {
		return chain.Deployed{}, err
	}
	a, err := newSender(n, config.FeeKey, config.Poll)
	if err != nil {
		return chain.Deployed{}, err
	}
	if config.Genesis.IsZero() {
		return chain.Deployed{}, errors.New("the genesis hash is zero")
	}
	if err := config.Set.Validate(); err != nil {
		return chain.Deployed{}, err
	}
	d := &deployment{sender: a, config: config}
	if err := d.prepare(ctx); err != nil {
		return chain.Deployed{}, err
	}
	_, accounts, err := n.accounts(ctx, confirmed, 0, d.bridge.State, d.bridge.ID)
	if err != nil {
		return chain.Deployed{}, err
	}
	if accounts[0] == nil || accounts[0].Owner != d.bridge.ID { // lamports there are nobody's bridge
		if accounts[1] == nil {
			if err := d.upload(ctx); err != nil {
				return chain.Deployed{}, err
			}
		}
		return d.initialize(ctx)
	}
	return d.existing(ctx)
}

// prepare derives the accounts and chooses the build that the cluster takes.
func (d *deployment) prepare(ctx context.Context) (err error) {
	if d.program, err = d.derive(ctx, "program"); err != nil {
		return err
	}
	if d.buffer, err = d.derive(ctx, "buffer"); err != nil {
		return err
	}
	if d.bridge, err = contract.NewProgram(contract.Key(d.program.PayerKey())); err != nil {
		return err
	}
	if d.data, err = contract.ProgramData(d.bridge.ID); err != nil {
		return err
	}
	var version map[string]any
	if err := d.sender.node.call(ctx, &version, "getVersion"); err != nil {
		return err
	}
	d.code = contract.Code()
	if _, surfpool := version["surfnet-version"]; surfpool { // its runtime takes version 0 only
		d.code = contract.CodeV0()
	}
	return nil
}

// derive makes a key of its own for a part of the deployment, which only the fee payer can make again: Ed25519
// signatures are a function of key and message.
func (d *deployment) derive(ctx context.Context, part string) (*signing.Ed25519Payer, error) {
	setHash := d.config.Set.Hash()
	message := fmt.Appendf(nil, "trine: the %s of a bridge on %s for genesis %s and set %s", part, d.config.ChainID, d.config.Genesis, setHash)
	signature, err := d.config.FeeKey.SignPayload(ctx, message)
	if err != nil {
		return nil, fmt.Errorf("derive the key of the %s: %w", part, err)
	}
	return signing.NewEd25519Payer([ed25519.SeedSize]byte(codec.Keccak(signature))), nil
}

// run sends instructions signed by the payer and by others, and waits for them.
func (d *deployment) run(ctx context.Context, others []*signing.Ed25519Payer, instructions ...contract.Instruction) (chain.Receipt, error) {
	for {
		now, err := d.sender.node.recent(ctx)
		if err != nil {
			return chain.Receipt{}, err
		}
		id, raw, err := d.sign(ctx, now.hash, others, instructions...)
		if err != nil {
			return chain.Receipt{}, err
		}
		r, err := d.sender.deliver(ctx, id, raw, now.last)
		if err == nil || !errors.Is(err, errExpired) || ctx.Err() != nil {
			return r, err
		}
	}
}

func (d *deployment) sign(ctx context.Context, blockhash hash32, others []*signing.Ed25519Payer, instructions ...contract.Instruction) (string, []byte, error) {
	tx, err := sol.NewTransaction(append(budget(400_000, minPrice), instructions...), blockhash, sol.TransactionPayer(d.sender.payer))
	if err != nil {
		return "", nil, err
	}
	content, err := tx.Message.MarshalBinary()
	if err != nil {
		return "", nil, err
	}
	tx.Signatures = make([]sol.Signature, tx.Message.Header.NumRequiredSignatures)
	keys := append([]signing.Payer{d.config.FeeKey}, payers(others)...)
	for i := range tx.Signatures {
		for _, k := range keys {
			if tx.Message.AccountKeys[i] != contract.Key(k.PayerKey()) {
				continue
			}
			signature, err := k.SignPayload(ctx, content)
			if err != nil {
				return "", nil, fmt.Errorf("sign: %w", err)
			}
			tx.Signatures[i] = sol.Signature(signature)
		}
	}
	raw, err := tx.MarshalBinary()
	if err == nil && len(raw) > maxWire {
		err = fmt.Errorf("it has %d bytes, a transaction has at most %d; a set of up to about 40 members fits: begin with fewer and rotate", len(raw), maxWire)
	}
	return tx.Signatures[0].String(), raw, err
}

func payers(list []*signing.Ed25519Payer) (out []signing.Payer) {
	for _, k := range list {
		out = append(out, k)
	}
	return out
}

// upload brings the code into a buffer account and makes the program of it.
func (d *deployment) upload(ctx context.Context) error {
	buffer := contract.Key(d.buffer.PayerKey())
	_, accounts, err := d.sender.node.accounts(ctx, confirmed, 0, buffer)
	if err != nil {
		return err
	}
	if accounts[0] == nil {
		create, err := d.create(ctx, buffer, bufferHeader+len(d.code))
		if err != nil {
			return err
		}
		initialize := sol.NewInstruction(contract.LoaderProgram, sol.AccountMetaSlice{sol.Meta(buffer).WRITE(), sol.Meta(d.sender.payer)}, []byte{0, 0, 0, 0})
		if _, err := d.run(ctx, []*signing.Ed25519Payer{d.buffer}, create, initialize); err != nil {
			return fmt.Errorf("make the code's buffer: %w", err)
		}
	}
	if err := d.write(ctx, buffer); err != nil {
		return err
	}
	create, err := d.create(ctx, d.bridge.ID, programSize)
	if err != nil {
		return err
	}
	deploy := sol.NewInstruction(contract.LoaderProgram, sol.AccountMetaSlice{
		sol.Meta(d.sender.payer).WRITE().SIGNER(), sol.Meta(d.data).WRITE(), sol.Meta(d.bridge.ID).WRITE(), sol.Meta(buffer).WRITE(),
		sol.Meta(sol.SysVarRentPubkey), sol.Meta(sol.SysVarClockPubkey), sol.Meta(contract.SystemProgram), sol.Meta(d.sender.payer).SIGNER(),
	}, binary.LittleEndian.AppendUint64([]byte{2, 0, 0, 0}, uint64(len(d.code))))
	if _, err := d.run(ctx, []*signing.Ed25519Payer{d.program}, create, deploy); err != nil {
		return fmt.Errorf("make the program: %w", err)
	}
	return nil
}

// create makes an account of the loader's with the rent that it needs.
func (d *deployment) create(ctx context.Context, key contract.Key, size int) (contract.Instruction, error) {
	var rent uint64
	if err := d.sender.node.call(ctx, &rent, "getMinimumBalanceForRentExemption", size); err != nil {
		return nil, err
	}
	data := binary.LittleEndian.AppendUint64([]byte{0, 0, 0, 0}, rent)
	data = append(binary.LittleEndian.AppendUint64(data, uint64(size)), contract.LoaderProgram[:]...)
	return sol.NewInstruction(contract.SystemProgram, sol.AccountMetaSlice{sol.Meta(d.sender.payer).WRITE().SIGNER(), sol.Meta(key).WRITE().SIGNER()}, data), nil
}

// write brings the buffer's content to the code: it reads what is there, sends what differs, and looks again.
func (d *deployment) write(ctx context.Context, buffer contract.Key) error {
	ticker := time.NewTicker(d.sender.poll)
	defer ticker.Stop()
	var now recent
	for {
		missing, err := d.missing(ctx, buffer)
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			return nil
		}
		// Until the blockhash has expired, what is sent again is the same transaction: a slow node, which has it and is not
		// that far yet, has no more work by it.
		_, height, err := d.sender.node.height(ctx)
		if err != nil {
			return err
		}
		if height > now.last {
			if now, err = d.sender.node.recent(ctx); err != nil {
				return err
			}
		}
		if err := d.send(ctx, buffer, now.hash, missing); err != nil {
			return err
		}
		// What was sent is given the time of a few blocks before it counts as lost.
		for range resendEvery {
			select {
			case <-ctx.Done():
				return fmt.Errorf("%d parts of the code are not written yet: %w", len(missing), ctx.Err())
			case <-ticker.C:
			}
			left, err := d.missing(ctx, buffer)
			if err != nil {
				return err
			}
			if len(left) == 0 {
				return nil
			}
		}
	}
}

// missing returns where parts of the code begin that the buffer does not have.
func (d *deployment) missing(ctx context.Context, buffer contract.Key) (offsets []int, err error) {
	_, accounts, err := d.sender.node.accounts(ctx, confirmed, 0, buffer)
	if err != nil {
		return nil, err
	}
	a := accounts[0]
	if a == nil || a.Owner != contract.LoaderProgram || len(a.Data) != bufferHeader+len(d.code) {
		return nil, fmt.Errorf("the code's buffer %s is not what was made: another version of this program may have left it; close it with its authority %s", buffer, d.sender.payer)
	}
	for at := 0; at < len(d.code); at += codePart {
		end := min(at+codePart, len(d.code))
		if !bytes.Equal(a.Data[bufferHeader+at:bufferHeader+end], d.code[at:end]) {
			offsets = append(offsets, at)
		}
	}
	return offsets, nil
}

// send hands parts of the code to the node, several at the same time.
func (d *deployment) send(ctx context.Context, buffer contract.Key, blockhash hash32, offsets []int) error {
	faults := make([]error, len(offsets))
	var wait sync.WaitGroup
	turns := make(chan struct{}, uploads)
	for i, at := range offsets {
		turns <- struct{}{}
		wait.Go(func() {
			defer func() { <-turns }()
			part := d.code[at:min(at+codePart, len(d.code))]
			data := binary.LittleEndian.AppendUint32([]byte{1, 0, 0, 0}, uint32(at))
			data = append(binary.LittleEndian.AppendUint64(data, uint64(len(part))), part...)
			_, raw, err := d.sign(ctx, blockhash, nil, sol.NewInstruction(contract.LoaderProgram,
				sol.AccountMetaSlice{sol.Meta(buffer).WRITE(), sol.Meta(d.sender.payer).SIGNER()}, data))
			if err == nil {
				err = d.sender.node.send(ctx, raw)
			}
			if err != nil && chain.VerdictOf(err) != chain.Retry && !errors.Is(err, errExpired) {
				faults[i] = err
			}
		})
	}
	wait.Wait()
	return firstOf(faults)
}

// initialize makes the bridge of the program. A program can be called from the slot after its deployment on.
func (d *deployment) initialize(ctx context.Context) (chain.Deployed, error) {
	instruction, err := d.bridge.Initialize(d.sender.payer, d.config.Genesis, d.config.ChainID, &d.config.Set)
	if err != nil {
		return chain.Deployed{}, err
	}
	ticker := time.NewTicker(d.sender.poll)
	defer ticker.Stop()
	for {
		s, err := d.sender.node.simulate(ctx, &message{instructions: []contract.Instruction{instruction}}, d.sender.payer, confirmed)
		if err != nil {
			return chain.Deployed{}, err
		}
		if s.failed == nil {
			break
		}
		if _, ours := s.failed.fault(); ours {
			return chain.Deployed{}, verdictOf(s.failed)
		}
		select {
		case <-ctx.Done():
			return chain.Deployed{}, fmt.Errorf("the program cannot be called yet: %w (last answer: %w)", ctx.Err(), s.failed)
		case <-ticker.C:
		}
	}
	r, err := d.run(ctx, nil, instruction)
	if err != nil {
		return chain.Deployed{}, fmt.Errorf("initialize: %w", err)
	}
	return d.check(ctx, r)
}

// check reads the new bridge as an attaching member will, and compares.
func (d *deployment) check(ctx context.Context, r chain.Receipt) (chain.Deployed, error) {
	_, accounts, err := d.sender.node.accounts(ctx, confirmed, r.Block, d.bridge.State, d.data)
	if err != nil {
		return chain.Deployed{}, err
	}
	if accounts[0] == nil || accounts[1] == nil {
		return chain.Deployed{}, errors.New("the node does not show the new bridge")
	}
	state, err := contract.DecodeState(accounts[0].Data)
	if err != nil {
		return chain.Deployed{}, err
	}
	if want := bridgecontracts.NewDomain(d.config.Genesis, d.config.ChainID, codec.Hash(d.bridge.State)); state.Domain != want {
		return chain.Deployed{}, fmt.Errorf("the bridge at %s has domain %s, want %s", d.bridge.State, state.Domain, want)
	}
	hash, err := contract.CodeHash(accounts[1].Data)
	if err != nil {
		return chain.Deployed{}, err
	}
	if hash != contract.ExpectedCodeHash() {
		return chain.Deployed{}, fmt.Errorf("the code of program %s is not the bridge's: its hash is %s, want %s", d.bridge.ID, hash, contract.ExpectedCodeHash())
	}
	return chain.Deployed{Bridge: codec.Hash(d.bridge.State), Tx: r.Tx, StartBlock: state.StartSlot, GasUsed: r.GasUsed}, nil
}

// existing finds the transaction of a bridge that was deployed before.
func (d *deployment) existing(ctx context.Context) (chain.Deployed, error) {
	var list []struct {
		Signature string          `json:"signature"`
		Slot      uint64          `json:"slot"`
		Err       json.RawMessage `json:"err"`
	}
	if err := d.sender.node.call(ctx, &list, "getSignaturesForAddress", d.data, map[string]any{"commitment": confirmed}); err != nil {
		return chain.Deployed{}, err
	}
	r := chain.Receipt{}
	for _, e := range list { // the newest that touched the code: by it the authority was given up
		if string(e.Err) == "null" || len(e.Err) == 0 {
			r.Tx, r.Block = e.Signature, e.Slot
			break
		}
	}
	out, err := d.check(ctx, r)
	out.Existed = err == nil
	return out, err
}
