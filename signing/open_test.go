package signing_test

import (
	"context"
	"strings"
	"testing"

	"github.com/trinebridge/trine/signing"
)

func TestOpeners(t *testing.T) {
	signer := newSigner(t)
	asked := ""
	openers := signing.Openers{
		"file": func(_ context.Context, uri string) (signing.Signer, error) { asked = uri; return signer, nil },
		"env":  func(context.Context, string) (signing.Signer, error) { t.Error("wrong opener"); return nil, nil },
	}
	got, err := openers.Open(t.Context(), "file:keys/a.json?password-file=x")
	if err != nil || got != signing.Signer(signer) || asked != "file:keys/a.json?password-file=x" {
		t.Errorf("opened %v by %q, %v", got, asked, err)
	}
	const pasted = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
	for _, bad := range []string{"", "keys/a.json", "vault:x", pasted, pasted + ":x", ":"} {
		_, err := openers.Open(t.Context(), bad)
		if err == nil || !strings.Contains(err.Error(), "env:, file:") || strings.Contains(err.Error(), pasted[:8]) {
			t.Errorf("Open(%q): %v, want the known schemes and nothing of the input", bad, err)
		}
	}
}
