package solana

import (
	"encoding/binary"
	"errors"
	"fmt"

	sol "github.com/gagliardetto/solana-go"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
)

// Layouts of the two token programs (https://docs.rs/spl-token): extensions of Token-2022 come after these.
const (
	tokenAccountSize = 165
	mintSize         = 82
	mintDecimals     = 44 // where they stand in a mint
)

// tokenAccount is what the adapter reads of a token account.
type tokenAccount struct {
	mint, owner contract.Key
	amount      uint64
	frozen      bool
}

// isToken reports whether a program is one of the two token programs.
func isToken(program contract.Key) bool {
	return program == contract.TokenProgram || program == contract.Token2022Program
}

func decodeTokenAccount(a *account) (tokenAccount, error) {
	if !isToken(a.Owner) {
		return tokenAccount{}, fmt.Errorf("owned by %s, which is no token program", a.Owner)
	}
	if len(a.Data) < tokenAccountSize || a.Data[108] == 0 {
		return tokenAccount{}, errors.New("no token account that is in use")
	}
	return tokenAccount{
		mint: contract.Key(a.Data[:32]), owner: contract.Key(a.Data[32:64]), amount: binary.LittleEndian.Uint64(a.Data[64:72]), frozen: a.Data[108] == 2,
	}, nil
}

// transferChecked moves units of a token out of its vault, whose owner signs.
func transferChecked(token *contract.Token, to, owner contract.Key, units uint64) contract.Instruction {
	const tag = 12
	return sol.NewInstruction(token.Program, sol.AccountMetaSlice{
		sol.Meta(token.Vault).WRITE(), sol.Meta(token.Mint), sol.Meta(to).WRITE(), sol.Meta(owner).SIGNER(),
	}, append(binary.LittleEndian.AppendUint64([]byte{tag}, units), token.Decimals))
}

// checkMint returns why an account is no mint, or nil.
func checkMint(a *account) error {
	if a == nil {
		return errors.New("there is no such account")
	}
	if !isToken(a.Owner) || len(a.Data) < mintSize || a.Data[45] != 1 {
		return errors.New("it is no mint of a token program")
	}
	return nil
}
