package solanatest

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/rpc"
	"github.com/gagliardetto/solana-go"
	"github.com/gagliardetto/solana-go/programs/system"
)

// Commitment is how sure a node is of what it says.
type Commitment string

// The commitments.
const (
	Processed Commitment = "processed"
	Confirmed Commitment = "confirmed"
	Finalized Commitment = "finalized"
)

const (
	// landWithin is longer than any blockhash is valid.
	landWithin = 3 * time.Minute
	// faucetCoins is what the chain's own wallet has, in SOL.
	faucetCoins = 100_000
	// computeLimit is below every transaction's limit, so that a count can be added to it.
	computeLimit = 1_000_000
)

// Chain is a running chain.
type Chain struct {
	url, genesis, version string
	validator             bool
	close                 func() error
	client                *rpc.Client
	payer                 solana.PrivateKey
	sent                  atomic.Uint32 // transactions, so that no two are the same bytes
}

// URL is the endpoint of its JSON-RPC.
func (c *Chain) URL() string { return c.url }

// ID is the chain's CAIP-2 name.
func (c *Chain) ID() string { return "solana:" + c.genesis[:32] }

// IsValidator says whether it is a validator, and not Surfpool.
func (c *Chain) IsValidator() bool { return c.validator }

// Version names the chain's program, for example "solana-test-validator 4.1.2".
func (c *Chain) Version() string { return c.version }

// Payer is the chain's own wallet, which pays for what this package sends and is every token's authority.
func (c *Chain) Payer() solana.PrivateKey { return c.payer }

// Close ends the chain.
func (c *Chain) Close() error {
	if c.client != nil {
		c.client.Close()
	}
	return c.close()
}

// Call sends one request; result may be nil.
func (c *Chain) Call(ctx context.Context, result any, method string, args ...any) error {
	if err := c.client.CallContext(ctx, result, method, args...); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return nil
}

// open asks a chain that answers what it is, and fills this package's wallet.
func (c *Chain) open(ctx context.Context) (err error) {
	if err := c.dial(ctx); err != nil {
		return err
	}
	if err := c.Call(ctx, &c.genesis, "getGenesisHash"); err != nil {
		return err
	}
	if len(c.genesis) < 32 {
		return fmt.Errorf("the chain's genesis hash is %q", c.genesis)
	}
	var version struct {
		Core    string `json:"solana-core"`
		Surfnet string `json:"surfnet-version"`
	}
	if err := c.Call(ctx, &version, "getVersion"); err != nil {
		return err
	}
	c.version = "solana-test-validator " + version.Core
	if version.Surfnet != "" {
		c.version = "Surfpool " + version.Surfnet
	}
	if err := report("ran", c.version); err != nil {
		return err
	}
	if c.payer, err = solana.NewRandomPrivateKey(); err != nil {
		return err
	}
	return c.airdrop(ctx, c.payer.PublicKey(), faucetCoins*solana.LAMPORTS_PER_SOL)
}

func (c *Chain) dial(ctx context.Context) (err error) {
	if c.client == nil {
		c.client, err = rpc.DialContext(ctx, c.url)
	}
	return err
}

// askSlot returns the finalized slot of a chain that may not answer yet.
func (c *Chain) askSlot(ctx context.Context) (slot uint64, err error) {
	if err := c.dial(ctx); err != nil {
		return 0, err
	}
	return slot, c.Call(ctx, &slot, "getSlot", at(Finalized))
}

func at(commitment Commitment) map[string]any { return map[string]any{"commitment": commitment} }

func (c *Chain) airdrop(ctx context.Context, to solana.PublicKey, lamports uint64) error {
	var text string
	if err := c.Call(ctx, &text, "requestAirdrop", to, lamports, at(Confirmed)); err != nil {
		return err
	}
	signature, err := solana.SignatureFromBase58(text)
	if err != nil {
		return err
	}
	return c.await(ctx, signature, Confirmed)
}

// Slot returns the chain's slot at a commitment.
func (c *Chain) Slot(t TB, commitment Commitment) (slot uint64) {
	t.Helper()
	if err := c.Call(t.Context(), &slot, "getSlot", at(commitment)); err != nil {
		t.Fatalf("%v", err)
	}
	return slot
}

// AwaitSlot waits until a slot has reached a commitment.
func (c *Chain) AwaitSlot(t TB, slot uint64, commitment Commitment) {
	t.Helper()
	err := poll(t.Context(), fmt.Sprintf("slot %d is not %s", slot, commitment), func(ctx context.Context) (bool, error) {
		var now uint64
		err := c.Call(ctx, &now, "getSlot", at(commitment))
		return now >= slot, err
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// Fund gives an account lamports.
func (c *Chain) Fund(t TB, to solana.PublicKey, lamports uint64) {
	t.Helper()
	c.Send(t, nil, system.NewTransferInstruction(lamports, c.payer.PublicKey(), to).Build())
}

// Wallet returns a new key with so many lamports; with none, nobody has heard of it.
func (c *Chain) Wallet(t TB, lamports uint64) solana.PrivateKey {
	t.Helper()
	key, err := solana.NewRandomPrivateKey()
	if err != nil {
		t.Fatalf("%v", err)
	}
	if lamports > 0 {
		c.Fund(t, key.PublicKey(), lamports)
	}
	return key
}

// Lamports returns an account's balance at a commitment, in lamports.
func (c *Chain) Lamports(t TB, account solana.PublicKey, commitment Commitment) uint64 {
	t.Helper()
	var balance struct {
		Value uint64 `json:"value"`
	}
	if err := c.Call(t.Context(), &balance, "getBalance", account, at(commitment)); err != nil {
		t.Fatalf("%v", err)
	}
	return balance.Value
}

// Account is what an account holds.
type Account struct {
	Owner    solana.PublicKey
	Lamports uint64
	Data     []byte
}

// Account returns an account at a commitment, nil if there is none.
func (c *Chain) Account(t TB, account solana.PublicKey, commitment Commitment) *Account {
	t.Helper()
	var found struct {
		Value *struct {
			Owner    solana.PublicKey `json:"owner"`
			Lamports uint64           `json:"lamports"`
			Data     []string         `json:"data"`
		} `json:"value"`
	}
	options := map[string]any{"commitment": commitment, "encoding": "base64"}
	if err := c.Call(t.Context(), &found, "getAccountInfo", account, options); err != nil {
		t.Fatalf("%v", err)
	}
	if found.Value == nil {
		return nil
	}
	if len(found.Value.Data) != 2 {
		t.Fatalf("getAccountInfo: account %s has data of %d parts", account, len(found.Value.Data))
	}
	data, err := base64.StdEncoding.DecodeString(found.Value.Data[0])
	if err != nil {
		t.Fatalf("getAccountInfo: %v", err)
	}
	return &Account{found.Value.Owner, found.Value.Lamports, data}
}

// poll asks until it is so, or fails, or takes longer than anything should.
func poll(ctx context.Context, otherwise string, ask func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, landWithin, fmt.Errorf("%s after %s", otherwise, landWithin))
	defer cancel()
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		done, err := ask(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case done || err != nil:
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// The states of the upgradeable loader's accounts.
const (
	loaderProgram     = 2
	loaderProgramData = 3
)

// place puts a program into Surfpool's state, in the two accounts that a deployment would have made.
func (c *Chain) place(ctx context.Context, p Program) error {
	if len(p.CodeV0) == 0 {
		return errors.New("surfpool runs programs of SBPF version 0 only, and the code of " + p.ID.String() + " as that is missing")
	}
	data, _, err := solana.FindProgramAddress([][]byte{p.ID[:]}, solana.BPFLoaderUpgradeableProgramID)
	if err != nil {
		return err
	}
	header := binary.LittleEndian.AppendUint32(nil, loaderProgramData)
	header = binary.LittleEndian.AppendUint64(header, 0) // the slot of its deployment
	header = append(append(header, authorityFollows), p.Authority[:]...)
	accounts := []struct {
		key        solana.PublicKey
		executable bool
		data       []byte
	}{
		{data, false, append(header, p.CodeV0...)},
		{p.ID, true, append(binary.LittleEndian.AppendUint32(nil, loaderProgram), data[:]...)},
	}
	for _, a := range accounts {
		var rent uint64
		if err := c.Call(ctx, &rent, "getMinimumBalanceForRentExemption", len(a.data)); err != nil {
			return err
		}
		change := map[string]any{
			"lamports": rent, "owner": solana.BPFLoaderUpgradeableProgramID, "executable": a.executable, "data": hex.EncodeToString(a.data),
		}
		if err := c.Call(ctx, nil, "surfnet_setAccount", a.key, change); err != nil {
			return err
		}
	}
	return nil
}
