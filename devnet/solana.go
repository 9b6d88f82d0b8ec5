package devnet

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ethereum/go-ethereum/rpc"
	"github.com/gagliardetto/solana-go"
	"github.com/gagliardetto/solana-go/programs/system"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/surfpool"
	"github.com/trinebridge/trine/internal/toolchain"
	"github.com/trinebridge/trine/signing"
)

// surfpoolEnv names Surfpool's addon where the program runs outside of a checkout.
const surfpoolEnv = "TRINE_SURFPOOL"

// slotTime is a slot of the embedded Solana chain: finality is 31 slots behind.
const slotTime = 100 * time.Millisecond

// solanaFamily: the embedded chain is Surfpool; a chain that is attached has to have a
// faucet, as solana-test-validator does.
var solanaFamily = family{
	namespace: "solana", coin: coin{"SOL", solanaDecimals}, maxDecimals: solanaDecimals,
	// The chain's own finality. Its clock counts slots, and may run behind on a busy machine.
	confirmations: 0, skew: 30,
	start: startSolana, identify: identifySolana, attach: attachSolana,
}

// solanaDecimals are SOL's, and the most that leave a token of 64 bits a useful supply.
const solanaDecimals = 9

// What the token programs take, by their own numbers.
const (
	mintSize                   = 82
	tokenInitializeMint2       = 20
	tokenMintTo                = 7
	associatedCreateIdempotent = 1
)

// faucetCoins is what the faucet's wallet asks the chain for.
const faucetCoins = 10_000

// solanaGround is a development chain behind Solana's JSON-RPC.
type solanaGround struct {
	id, url  string
	client   *rpc.Client
	payer    solana.PrivateKey
	embedded *surfpool.Chain // nil if the chain was attached
}

func startSolana(ctx context.Context, _ int) (ground, error) {
	addon := os.Getenv(surfpoolEnv)
	if addon == "" {
		var err error
		if addon, err = toolchain.Path(ctx, "surfpool.node"); err != nil {
			return nil, fmt.Errorf("%w (or set %s to the path of Surfpool's surfpool.node)", err, surfpoolEnv)
		}
	}
	s, err := surfpool.Start(ctx, addon, slotTime)
	if err != nil {
		return nil, err
	}
	id, err := identifySolana(ctx, s.URL())
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	g, err := attachSolana(ctx, id, s.URL())
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	g.(*solanaGround).embedded = s
	return g, nil
}

// identifySolana asks for the genesis hash, whose first 32 digits name a Solana chain.
func identifySolana(ctx context.Context, endpoint string) (string, error) {
	client, err := rpc.DialContext(ctx, endpoint)
	if err != nil {
		return "", err
	}
	defer client.Close()
	var hash string
	if err := client.CallContext(ctx, &hash, "getGenesisHash"); err != nil {
		return "", err
	}
	if len(hash) < 32 {
		return "", fmt.Errorf("its genesis hash is %q", hash)
	}
	return "solana:" + hash[:32], nil
}

func attachSolana(ctx context.Context, id, endpoint string) (ground, error) {
	payer, err := solana.NewRandomPrivateKey()
	if err != nil {
		return nil, err
	}
	client, err := rpc.DialContext(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	g := &solanaGround{id: id, url: endpoint, client: client, payer: payer}
	var signature string
	err = client.CallContext(ctx, &signature, "requestAirdrop", payer.PublicKey(), faucetCoins*solana.LAMPORTS_PER_SOL, confirmed)
	if err == nil {
		err = g.landed(ctx, signature)
	}
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("ask the faucet for %d SOL (use a development chain such as solana-test-validator, which has one): %w", faucetCoins, err)
	}
	return g, nil
}

func (g *solanaGround) chainID() string  { return g.id }
func (g *solanaGround) endpoint() string { return g.url }
func (g *solanaGround) faucet() signing.Payer {
	return signing.NewEd25519Payer([32]byte(g.payer[:32]))
}

func (g *solanaGround) fund(ctx context.Context, to codec.Hash, coins uint64) error {
	return g.send(ctx, nil, system.NewTransferInstruction(coins*solana.LAMPORTS_PER_SOL, g.payer.PublicKey(), solana.PublicKey(to)).Build())
}

// createToken makes a mint of the SPL Token program that the faucet mints and can freeze.
func (g *solanaGround) createToken(ctx context.Context, _ string, decimals uint8) (codec.Hash, error) {
	mint, err := solana.NewRandomPrivateKey()
	if err != nil {
		return codec.Hash{}, err
	}
	var rent uint64
	if err := g.client.CallContext(ctx, &rent, "getMinimumBalanceForRentExemption", mintSize); err != nil {
		return codec.Hash{}, err
	}
	owner := g.payer.PublicKey()
	initialize := append([]byte{tokenInitializeMint2, decimals}, owner[:]...)
	initialize = append(append(initialize, 1), owner[:]...) // and can freeze
	err = g.send(ctx, []solana.PrivateKey{mint},
		system.NewCreateAccountInstruction(rent, mintSize, solana.TokenProgramID, owner, mint.PublicKey()).Build(),
		solana.NewInstruction(solana.TokenProgramID, solana.AccountMetaSlice{solana.Meta(mint.PublicKey()).WRITE()}, initialize),
	)
	return codec.Hash(mint.PublicKey()), err
}

func (g *solanaGround) mint(ctx context.Context, word, to codec.Hash, units *uint256.Int) error {
	if !units.IsUint64() {
		return fmt.Errorf("%s units do not fit the 64 bits of a token", units.Dec())
	}
	mint, owner, payer := solana.PublicKey(word), solana.PublicKey(to), g.payer.PublicKey()
	account, _, err := solana.FindAssociatedTokenAddress(owner, mint)
	if err != nil {
		return err
	}
	return g.send(ctx, nil,
		solana.NewInstruction(solana.SPLAssociatedTokenAccountProgramID, solana.AccountMetaSlice{
			solana.Meta(payer).WRITE().SIGNER(), solana.Meta(account).WRITE(), solana.Meta(owner), solana.Meta(mint),
			solana.Meta(solana.SystemProgramID), solana.Meta(solana.TokenProgramID),
		}, []byte{associatedCreateIdempotent}),
		solana.NewInstruction(solana.TokenProgramID, solana.AccountMetaSlice{
			solana.Meta(mint).WRITE(), solana.Meta(account).WRITE(), solana.Meta(payer).SIGNER(),
		}, binary.LittleEndian.AppendUint64([]byte{tokenMintTo}, units.Uint64())),
	)
}

func (g *solanaGround) close() error {
	g.client.Close()
	if g.embedded == nil {
		return nil
	}
	return g.embedded.Close()
}

// confirmed is the commitment at which the network's own writes count.
var confirmed = map[string]any{"commitment": "confirmed"}

// send has the faucet and more signers send instructions as one transaction, and waits
// until it is confirmed.
func (g *solanaGround) send(ctx context.Context, signers []solana.PrivateKey, instructions ...solana.Instruction) error {
	var newest struct {
		Value struct {
			Blockhash solana.Hash `json:"blockhash"`
		} `json:"value"`
	}
	if err := g.client.CallContext(ctx, &newest, "getLatestBlockhash", confirmed); err != nil {
		return err
	}
	tx, err := solana.NewTransaction(instructions, newest.Value.Blockhash, solana.TransactionPayer(g.payer.PublicKey()))
	if err != nil {
		return err
	}
	signers = append(signers, g.payer)
	if _, err := tx.Sign(func(key solana.PublicKey) *solana.PrivateKey {
		for i := range signers {
			if signers[i].PublicKey() == key {
				return &signers[i]
			}
		}
		return nil
	}); err != nil {
		return err
	}
	raw, err := tx.ToBase64()
	if err != nil {
		return err
	}
	var signature string
	if err := g.client.CallContext(ctx, &signature, "sendTransaction", raw, map[string]any{"encoding": "base64", "preflightCommitment": "confirmed"}); err != nil {
		return err
	}
	return g.landed(ctx, signature)
}

// landsWithin is longer than any blockhash is valid.
const landsWithin = 2 * time.Minute

// landed waits until a transaction is confirmed.
func (g *solanaGround) landed(ctx context.Context, signature string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, landsWithin, fmt.Errorf("transaction %s has not landed within %s", signature, landsWithin))
	defer cancel()
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		var statuses struct {
			Value []*struct {
				Err        json.RawMessage `json:"err"`
				Commitment string          `json:"confirmationStatus"`
			} `json:"value"`
		}
		if err := g.client.CallContext(ctx, &statuses, "getSignatureStatuses", []string{signature}); err != nil {
			return err
		}
		if len(statuses.Value) == 1 && statuses.Value[0] != nil {
			s := statuses.Value[0]
			if len(s.Err) > 0 && string(s.Err) != "null" {
				return fmt.Errorf("transaction %s failed: %s", signature, s.Err)
			}
			if s.Commitment == "confirmed" || s.Commitment == "finalized" {
				return nil
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
