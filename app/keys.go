package app

import (
	"context"
	"fmt"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/filesigner"
)

// OpenKey opens a key that transacts on the app chain, by URI. Prompt may be nil where nobody sits.
func OpenKey(ctx context.Context, uri, dir string, prompt func(context.Context, string) (string, error)) (*signing.KeySigner, error) {
	if uri == "" {
		return nil, fmt.Errorf("no key is named; write it as file:PATH?password-file=PATH or env:NAME")
	}
	return filesigner.Open(ctx, uri, filesigner.Options{Dir: dir, Prompt: prompt})
}

// OpenPayer opens the key of an account on an external chain, by URI.
func OpenPayer(ctx context.Context, adapter *chain.Adapter, uri, dir string, prompt func(context.Context, string) (string, error)) (signing.Payer, error) {
	if uri == "" {
		return nil, fmt.Errorf("no key is named; write it as file:PATH?password-file=PATH or env:NAME")
	}
	return filesigner.OpenPayer(ctx, uri, adapter.Curve, filesigner.Options{Dir: dir, Prompt: prompt})
}

// openSeat opens a daemon's seat key.
func openSeat(ctx context.Context, uri, dir string) (signing.Signer, error) {
	return filesigner.Openers(filesigner.Options{Dir: dir}).Open(ctx, uri)
}
