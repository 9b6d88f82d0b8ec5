package solana

import (
	"context"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/units"
)

// Wallet is an account on Solana that uses a bridge. It is safe for concurrent use. Tokens are those of
// associated token accounts.
type Wallet struct {
	source *Source
	sender *sender
}

var _ chain.Wallet = (*Wallet)(nil)

// OpenWallet acts as the owner of config.FeeKey; the endpoint is first asked on first use.
func OpenWallet(config chain.SinkConfig) (*Wallet, error) {
	source, err := OpenSource(config.SourceConfig)
	if err != nil {
		return nil, err
	}
	a, err := newSender(source.node, config.FeeKey, config.Poll)
	if err != nil {
		return nil, err
	}
	return &Wallet{source: source, sender: a}, nil
}

// Address implements chain.Wallet.
func (w *Wallet) Address() codec.Hash { return codec.Hash(w.sender.payer) }

// Balance implements chain.Wallet.
func (w *Wallet) Balance(ctx context.Context, token, holder codec.Hash) (uint256.Int, error) {
	if token == contract.Native {
		lamports, err := w.source.node.balance(ctx, contract.Key(holder))
		return *uint256.NewInt(lamports), err
	}
	_, program, err := w.mint(ctx, contract.Key(token))
	if err != nil {
		return uint256.Int{}, err
	}
	key, _, err := contract.TokenAccount(contract.Key(holder), program, contract.Key(token))
	if err != nil {
		return uint256.Int{}, err
	}
	_, accounts, err := w.source.node.accounts(ctx, confirmed, 0, key)
	if err != nil {
		return uint256.Int{}, err
	}
	if accounts[0] == nil || !isToken(accounts[0].Owner) {
		return uint256.Int{}, nil
	}
	held, err := decodeTokenAccount(accounts[0])
	if err != nil {
		return uint256.Int{}, w.source.node.wrap("token account "+key.String(), chain.Errorf(chain.Retry, "%w", err))
	}
	return *uint256.NewInt(held.amount), nil
}

// mint returns a mint and its token program.
func (w *Wallet) mint(ctx context.Context, mint contract.Key) (*account, contract.Key, error) {
	_, accounts, err := w.source.node.accounts(ctx, confirmed, 0, mint)
	if err != nil {
		return nil, contract.Key{}, err
	}
	if err := checkMint(accounts[0]); err != nil {
		return nil, contract.Key{}, fmt.Errorf("token %s: %w", mint, err)
	}
	return accounts[0], accounts[0].Owner, nil
}

// now returns the bridge as it stands.
func (w *Wallet) now(ctx context.Context) (contract.Program, *contract.State, error) {
	p, err := w.source.known(ctx)
	if err != nil {
		return p, nil, err
	}
	_, accounts, err := w.source.node.accounts(ctx, confirmed, 0, p.State)
	if err != nil {
		return p, nil, err
	}
	state, err := w.source.state(p, accounts[0])
	return p, state, err
}

// Deposit implements chain.Wallet. A token that nobody has deposited yet is made known to the bridge in the
// same transaction.
func (w *Wallet) Deposit(ctx context.Context, token codec.Hash, amount uint256.Int, keys []bridgecontracts.KeyProof) (chain.Receipt, error) {
	value, err := amount64(&amount)
	if err != nil {
		return chain.Receipt{}, fmt.Errorf("deposit: %w", err)
	}
	r, err := w.sender.transact(ctx, func(ctx context.Context) ([]contract.Instruction, error) {
		p, state, err := w.now(ctx)
		if err != nil {
			return nil, err
		}
		if err := w.affords(ctx, contract.Key(token), value); err != nil {
			return nil, err
		}
		if token == contract.Native {
			deposit, err := p.DepositSol(w.sender.payer, state.Page, value, keys)
			return []contract.Instruction{deposit}, err
		}
		known, out, err := w.register(ctx, p, contract.Key(token))
		if err != nil {
			return nil, err
		}
		from, _, err := contract.TokenAccount(w.sender.payer, known.Program, known.Mint)
		if err != nil {
			return nil, err
		}
		deposit, err := p.DepositToken(w.sender.payer, state.Page, from, known, value, keys)
		return append(out, deposit), err
	})
	if err != nil {
		return chain.Receipt{}, fmt.Errorf("deposit: %w", err)
	}
	return r, nil
}

// affords says in words what a simulation would say in numbers: the wallet owns too little.
func (w *Wallet) affords(ctx context.Context, token contract.Key, amount uint64) error {
	lamports, err := w.source.node.balance(ctx, w.sender.payer)
	if err != nil {
		return err
	}
	switch coins := inUnits(lamports, coinDecimals); {
	case lamports == 0:
		return chain.Errorf(chain.Retry, "wallet %s owns no SOL on %s, and pays the fees in it", w.sender.payer, w.source.config.ChainID)
	case token != contract.Key(contract.Native):
	case amount >= lamports:
		return chain.Errorf(chain.Retry, "wallet %s owns %s SOL, %s and the fees are to be paid", w.sender.payer, coins, inUnits(amount, coinDecimals))
	default:
		return nil
	}
	mint, _, err := w.mint(ctx, token)
	if err != nil {
		return err
	}
	held, err := w.Balance(ctx, codec.Hash(token), w.Address())
	if err != nil {
		return err
	}
	if held.CmpUint64(amount) < 0 {
		decimals := mint.Data[mintDecimals]
		return chain.Errorf(chain.Retry, "wallet %s owns %s of token %s in its associated token account, %s are to be deposited",
			w.sender.payer, inUnits(held.Uint64(), decimals), token, inUnits(amount, decimals))
	}
	return nil
}

// coinDecimals are SOL's.
const coinDecimals = 9

func inUnits(amount uint64, decimals uint8) string {
	return units.Format(uint256.NewInt(amount), decimals)
}

// register returns what the bridge knows of a mint, and the instruction that makes it known if it does not know it yet.
func (w *Wallet) register(ctx context.Context, p contract.Program, mint contract.Key) (*contract.Token, []contract.Instruction, error) {
	config, err := p.TokenConfig(mint)
	if err != nil {
		return nil, nil, err
	}
	_, accounts, err := w.source.node.accounts(ctx, confirmed, 0, config, mint)
	if err != nil {
		return nil, nil, err
	}
	if a := accounts[0]; a != nil && a.Owner == p.ID {
		token, err := contract.DecodeToken(a.Data)
		if err != nil {
			return nil, nil, w.source.fault(chain.Fatal, err)
		}
		if token.Ready {
			return token, nil, nil
		}
	}
	if err := checkMint(accounts[1]); err != nil {
		return nil, nil, fmt.Errorf("token %s: %w", mint, err)
	}
	program := accounts[1].Owner
	vault, _, err := contract.TokenAccount(p.State, program, mint)
	if err != nil {
		return nil, nil, err
	}
	init, err := p.InitToken(w.sender.payer, mint, program)
	return &contract.Token{Ready: true, Mint: mint, Program: program, Vault: vault}, []contract.Instruction{init}, err
}

// Receipt implements chain.Wallet. A transaction that failed is an error.
func (w *Wallet) Receipt(ctx context.Context, tx string) (chain.Receipt, error) {
	if err := parseSignature(tx); err != nil {
		return chain.Receipt{}, err
	}
	t, err := w.source.node.transaction(ctx, tx)
	if err != nil {
		return chain.Receipt{}, err
	}
	if failed := t.failed(); failed != nil {
		return chain.Receipt{}, w.source.node.wrap("transaction "+tx, chain.Errorf(chain.Fatal, "it failed in slot %d: %w", t.Slot, failed))
	}
	return chain.Receipt{Tx: tx, Block: t.Slot, GasUsed: t.Meta.ComputeUnits}, nil
}

// Claim implements chain.Wallet.
func (w *Wallet) Claim(ctx context.Context, token, recipient, to codec.Hash) (chain.Receipt, error) {
	r, err := w.sender.transact(ctx, func(ctx context.Context) ([]contract.Instruction, error) {
		return w.claim(ctx, contract.Key(token), contract.Key(recipient), contract.Key(to))
	})
	if err != nil {
		return chain.Receipt{}, fmt.Errorf("claim: %w", err)
	}
	return r, nil
}

func (w *Wallet) claim(ctx context.Context, token, recipient, to contract.Key) ([]contract.Instruction, error) {
	p, state, err := w.now(ctx)
	if err != nil {
		return nil, err
	}
	key, err := p.Claim(token, recipient)
	if err != nil {
		return nil, err
	}
	_, accounts, err := w.source.node.accounts(ctx, confirmed, 0, key)
	if err != nil {
		return nil, err
	}
	if accounts[0] == nil || accounts[0].Owner != p.ID {
		return nil, chain.Errorf(chain.Fatal, "nothing of token %s is owed to %s", token, recipient)
	}
	owed, err := contract.DecodeClaim(accounts[0].Data)
	if err != nil {
		return nil, w.source.fault(chain.Fatal, err)
	}
	where := contract.ClaimTo{Actor: w.sender.payer, To: to, Page: state.Page}
	if token == contract.Key(contract.Native) {
		claim, err := p.ClaimSol(where, owed)
		return []contract.Instruction{claim}, err
	}
	known, out, err := w.register(ctx, p, token)
	if err != nil {
		return nil, err
	}
	if err := w.open(ctx, to, known); err != nil {
		return nil, err
	}
	if to != recipient || w.sender.payer == recipient { // the program makes the recipient's own account only, and only for others
		create, err := createTokenAccount(w.sender.payer, to, known.Program, token)
		if err != nil {
			return nil, err
		}
		out = append(out, create)
	}
	claim, err := p.ClaimToken(where, owed, known)
	return append(out, claim), err
}

// open fails while the owner of a token account cannot be paid because its token's authority has frozen it.
func (w *Wallet) open(ctx context.Context, owner contract.Key, token *contract.Token) error {
	key, _, err := contract.TokenAccount(owner, token.Program, token.Mint)
	if err != nil {
		return err
	}
	_, accounts, err := w.source.node.accounts(ctx, confirmed, 0, key)
	if err != nil {
		return err
	}
	if accounts[0] == nil || !isToken(accounts[0].Owner) {
		return nil
	}
	held, err := decodeTokenAccount(accounts[0])
	if err == nil && held.frozen {
		err = chain.Errorf(chain.Retry, "the token account %s of %s is frozen by the authority of token %s: what is owed waits until it is thawed", key, owner, token.Mint)
	}
	return err
}
