package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/codec"
)

// TestWaitEndsWhenATransactionCannotCome: a node that keeps a transaction for nobody says for ever that it does not know it.
func TestWaitEndsWhenATransactionCannotCome(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"unknown"}`))
	}))
	defer server.Close()
	client, err := api.NewClient(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := waitTx(t.Context(), client, codec.Hash{1}, 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "no new one can") {
		t.Errorf("error %v, want one that says that waiting is of no use", err)
	}
	interrupted, stop := context.WithCancelCause(t.Context())
	stop(errors.New("interrupted"))
	if _, err := waitTx(interrupted, client, codec.Hash{1}, time.Hour); err == nil || strings.Contains(err.Error(), "no new one can") || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("error %v, want one that says who ended it", err)
	}
}
