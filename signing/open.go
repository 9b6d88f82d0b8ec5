package signing

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Opener opens the key that a URI of its scheme names. It gets the whole URI. Its errors
// name files and variables, and never what is in them.
type Opener func(ctx context.Context, uri string) (Signer, error)

// Openers is the table of signers by URI scheme. It is data: the wiring puts together the
// schemes that a program offers, and nothing registers itself.
type Openers map[string]Opener

// Open opens the key that the URI names, as in "file:keys/listener-1.json".
func (o Openers) Open(ctx context.Context, uri string) (Signer, error) {
	known := strings.Join(slices.Sorted(maps.Keys(o)), ":, ") + ":"
	// What stands in the place of a URI may be a key that was pasted there by mistake, so
	// errors here do not repeat it.
	scheme, _, found := strings.Cut(uri, ":")
	if !found {
		return nil, fmt.Errorf("signing: a signer is named by a URI that begins with one of %s", known)
	}
	open, ok := o[scheme]
	if !ok {
		return nil, fmt.Errorf("signing: unknown scheme of a signer's URI (%d letters); known are %s", len(scheme), known)
	}
	return open(ctx, uri)
}
