package app

import (
	"context"
	"fmt"

	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/filesigner"
)

// OpenKey opens a key that pays or transacts, by URI. Prompt may be nil where nobody sits.
func OpenKey(ctx context.Context, uri, dir string, prompt func(context.Context, string) (string, error)) (*signing.KeySigner, error) {
	if uri == "" {
		return nil, fmt.Errorf("no key is named; write it as file:PATH?password-file=PATH or env:NAME")
	}
	return filesigner.Open(ctx, uri, filesigner.Options{Dir: dir, Prompt: prompt})
}

// openSeat opens a daemon's seat key.
func openSeat(ctx context.Context, uri, dir string) (signing.Signer, error) {
	return filesigner.Openers(filesigner.Options{Dir: dir}).Open(ctx, uri)
}
