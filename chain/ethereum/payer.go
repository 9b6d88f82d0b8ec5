package ethereum

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/trinebridge/trine/signing"
)

// payerAddress returns the account that a key pays from.
func payerAddress(key signing.Payer) (common.Address, error) {
	if err := signing.CheckPayer(key, signing.Secp256k1); err != nil {
		return common.Address{}, err
	}
	public := key.PayerKey()
	if len(public) != len(signing.PublicKey{}) || !signing.PublicKey(public).Valid() {
		return common.Address{}, fmt.Errorf("the public key %x of the payer is no point of secp256k1", public)
	}
	return common.Address(signing.PublicKey(public).Address()), nil
}

// signTx makes a transaction of its content. An error is the key store's.
func signTx(ctx context.Context, key signing.Payer, signer types.Signer, content types.TxData) (*types.Transaction, error) {
	tx := types.NewTx(content)
	digest := signer.Hash(tx)
	signature, err := key.SignPayload(ctx, digest[:])
	if err != nil {
		return nil, err
	}
	return tx.WithSignature(signer, signature)
}
