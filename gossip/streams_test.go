package gossip_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/trinebridge/trine/gossip"
)

const blocks = "blocks/1"

// pair returns two connected hosts, of which the second serves.
func pair(t *testing.T, handler gossip.RequestHandler) (asks, serves *node) {
	t.Helper()
	c := newClock()
	serves = newNode(t, c, nil).start(t)
	if _, err := serves.Serve(blocks, 100, handler); err != nil {
		t.Fatal(err)
	}
	asks = newNode(t, c, peersOf(serves)).start(t)
	eventually(t, "the peer is known to speak", func() bool { return slices.Contains(asks.Peers(blocks), serves.ID()) })
	return asks, serves
}

func TestRequest(t *testing.T) {
	var from string
	asks, serves := pair(t, func(_ context.Context, f string, request []byte) ([]byte, error) {
		from = f
		switch string(request) {
		case "refuse":
			return nil, errors.New("not telling")
		case "large":
			return make([]byte, 5<<20), nil
		}
		return append([]byte("answer to "), request...), nil
	})
	for _, c := range []struct {
		name, request string
		limit         int
		want          string
		err           error
	}{
		{"an answer", "question", 100, "answer to question", nil},
		{"an empty request", "", 100, "answer to ", nil},
		{"as long as allowed", strings.Repeat("q", 100), 110, "answer to " + strings.Repeat("q", 100), nil},
		{"refused", "refuse", 100, "", gossip.ErrPeerRefused},
		{"larger than the server may answer", "large", 100, "", gossip.ErrPeerRefused},
	} {
		answer, err := asks.Request(t.Context(), serves.ID(), blocks, []byte(c.request), c.limit)
		if !errors.Is(err, c.err) || string(answer) != c.want {
			t.Errorf("%s: %q, %v; want %q, %v", c.name, answer, err, c.want, c.err)
		}
	}
	if from != asks.ID() {
		t.Errorf("handler saw peer %s, want %s", from, asks.ID())
	}
	if strings.Contains(asks.log.String(), "not telling") {
		t.Error("the reason of a refusal travelled")
	}
	if _, err := asks.Request(t.Context(), serves.ID(), "unknown/1", nil, 10); err == nil || !strings.Contains(err.Error(), serves.ID()) {
		t.Errorf("a protocol that is not spoken: %v, want an error that names the peer", err)
	}
	if _, err := asks.Request(t.Context(), asks.ID(), blocks, nil, 10); err == nil {
		t.Error("asked itself")
	}
	if _, err := asks.Request(t.Context(), "nobody", blocks, nil, 10); err == nil {
		t.Error("asked a peer without an id")
	}
	if len(asks.deeds)+len(serves.deeds) > 0 {
		t.Errorf("blamed: %v %v", asks.deeds, serves.deeds)
	}
	// An answer over the asker's limit is the answerer's fault: both know the protocol.
	if _, err := asks.Request(t.Context(), serves.ID(), blocks, []byte("q"), 5); !errors.Is(err, gossip.ErrBadAnswer) {
		t.Errorf("oversized answer: %v", err)
	}
	if asks.get(asks.deeds, serves.ID()+" invalid response") != 1 {
		t.Errorf("blamed: %v", asks.deeds)
	}
	if _, err := asks.Request(t.Context(), serves.ID(), blocks, make([]byte, 101), 5); err == nil {
		t.Error("oversized request was answered")
	}
	eventually(t, "the oversized request is blamed", func() bool { return serves.get(serves.deeds, asks.ID()+" invalid request") == 1 })
}

func TestServeAndCancel(t *testing.T) {
	handler := func(context.Context, string, []byte) ([]byte, error) { return []byte("v"), nil }
	asks, serves := pair(t, handler)
	if _, err := serves.Serve(blocks, 1, handler); err == nil || !strings.Contains(err.Error(), blocks) {
		t.Errorf("served twice: %v", err)
	}
	cancel, err := serves.Serve("plugin/x/1", 10, handler) // while connected
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the plugin is known", func() bool { return slices.Contains(asks.Peers("plugin/x/1"), serves.ID()) })
	if _, err := asks.Request(t.Context(), serves.ID(), "plugin/x/1", nil, 10); err != nil {
		t.Error(err)
	}
	cancel()
	cancel()
	eventually(t, "the plugin is gone", func() bool { return len(asks.Peers("plugin/x/1")) == 0 })
	if !slices.Contains(asks.Connected(), serves.ID()) || !slices.Contains(asks.Peers(blocks), serves.ID()) {
		t.Error("the peer was dropped for not speaking a protocol")
	}
}

// One peer cannot take all places, and is told so at once.
func TestBusy(t *testing.T) {
	hold, entered := make(chan struct{}), make(chan struct{})
	asks, serves := pair(t, func(context.Context, string, []byte) ([]byte, error) {
		select {
		case entered <- struct{}{}:
		case <-hold:
		}
		<-hold
		return nil, nil
	})
	const most = 8
	var wg sync.WaitGroup
	for range most {
		wg.Go(func() {
			if _, err := asks.Request(context.Background(), serves.ID(), blocks, nil, 10); err != nil {
				t.Error(err)
			}
		})
	}
	for range most {
		<-entered
	}
	if _, err := asks.Request(t.Context(), serves.ID(), blocks, nil, 10); !errors.Is(err, gossip.ErrPeerBusy) {
		t.Errorf("one request more: %v, want ErrPeerBusy", err)
	}
	close(hold)
	wg.Wait()
	if _, err := asks.Request(t.Context(), serves.ID(), blocks, nil, 10); err != nil {
		t.Errorf("after all have ended: %v", err)
	}
	if serves.get(serves.served, "busy") == 0 {
		t.Errorf("served: %v", serves.served)
	}
}

// Peers that hang, end early, or answer nonsense.
func TestStrangeAnswers(t *testing.T) {
	c := newClock()
	n := newNode(t, c, nil).start(t)
	n.listen(t, gossip.TopicAcks, always(gossip.Accept))
	sized := func(status byte, size int, content string) string {
		return string(binary.BigEndian.AppendUint32([]byte{status}, uint32(size))) + content // small
	}
	for _, tc := range []struct {
		name, answer string
		hang         bool
		want         error
		blamed       bool
	}{
		{"good", sized(0, 2, "ok"), false, nil, false},
		{"nothing", "", false, io.EOF, false},
		{"a status alone", "\x00", false, io.EOF, false},
		{"half a length", "\x00\x00\x00", false, io.ErrUnexpectedEOF, false},
		{"half an answer", sized(0, 10, "ok"), false, io.ErrUnexpectedEOF, false},
		{"hangs at once", "", true, context.DeadlineExceeded, false},
		{"hangs in the answer", sized(0, 10, "ok"), true, context.DeadlineExceeded, false},
		{"claims 4 GiB", sized(0, 1<<32-1, ""), true, gossip.ErrBadAnswer, true},
		{"one byte too many", sized(0, 11, strings.Repeat("x", 11)), false, gossip.ErrBadAnswer, true},
		{"unknown status", sized(9, 0, ""), false, gossip.ErrBadAnswer, true},
		{"refuses at length", sized(1, 3, "why"), false, gossip.ErrBadAnswer, true},
		{"is busy at length", sized(2, 3, "why"), false, gossip.ErrBadAnswer, true},
		{"web page", "HTTP/1.1 200 OK", false, gossip.ErrBadAnswer, true},
	} {
		s := newStranger(t, n, gossip.TopicAcks)
		done := make(chan struct{})
		s.SetStreamHandler(protocol.ID(wireName(blocks)), func(stream network.Stream) {
			_, _ = io.Copy(io.Discard, stream)
			_, _ = stream.Write([]byte(tc.answer))
			if tc.hang {
				<-done
			}
			_ = stream.Close()
		})
		eventually(t, "the stranger speaks", func() bool { return slices.Contains(n.Peers(blocks), s.name()) })
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if !tc.hang || tc.blamed {
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), patience)
		}
		answer, err := n.Request(ctx, s.name(), blocks, []byte("q"), 10)
		cancel()
		close(done)
		if !errors.Is(err, tc.want) || (tc.want == nil && string(answer) != "ok") {
			t.Errorf("%s: %q, %v; want %v", tc.name, answer, err, tc.want)
		}
		if blamed := n.get(n.deeds, s.name()+" invalid response") > 0; blamed != tc.blamed {
			t.Errorf("%s: blamed %v, want %v", tc.name, blamed, tc.blamed)
		}
	}
}

// Requests that end early or never do not reach a handler, nor hold the host when it stops.
func TestStrangeRequests(t *testing.T) {
	c := newClock()
	n := newNode(t, c, nil).start(t)
	n.listen(t, gossip.TopicAcks, always(gossip.Accept))
	handled := 0
	if _, err := n.Serve(blocks, 10, func(context.Context, string, []byte) ([]byte, error) { handled++; return nil, nil }); err != nil {
		t.Fatal(err)
	}
	s := newStranger(t, n, gossip.TopicAcks)
	id, err := peer.Decode(n.ID())
	if err != nil {
		t.Fatal(err)
	}
	open := func(content []byte) network.Stream {
		stream, err := s.NewStream(t.Context(), id, protocol.ID(wireName(blocks)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Write(content); err != nil {
			t.Fatal(err)
		}
		return stream
	}
	for _, content := range [][]byte{{0}, {0, 0, 0, 5, 1}, bytes.Repeat([]byte{0xff}, 20)} {
		stream := open(content)
		if err := stream.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if answer, err := io.ReadAll(stream); err == nil || len(answer) > 0 {
			t.Errorf("%x was answered with %x, %v; want a reset", content, answer, err)
		}
	}
	open([]byte{0, 0}) // and goes silent
	n.stop()
	if handled > 0 {
		t.Errorf("%d broken requests reached the handler", handled)
	}
}

// Strangers open more streams than there are places and say nothing: others are answered all the same.
func TestSilentStrangersTakeNoPlace(t *testing.T) {
	asks, serves := pair(t, func(context.Context, string, []byte) ([]byte, error) { return []byte("v"), nil })
	serves.listen(t, gossip.TopicAcks, always(gossip.Accept))
	id, err := peer.Decode(serves.ID())
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		s := newStranger(t, serves, gossip.TopicAcks)
		for range 16 { // 80 in all, with 64 places
			stream, err := s.NewStream(t.Context(), id, protocol.ID(wireName(blocks)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := stream.Write([]byte{0, 0}); err != nil { // half of a length
				t.Fatal(err)
			}
		}
		if answer, err := asks.Request(t.Context(), serves.ID(), blocks, nil, 10); err != nil || string(answer) != "v" {
			t.Fatalf("beside silent strangers: %q, %v", answer, err)
		}
	}
	if n := serves.get(serves.served, "busy"); n > 0 {
		t.Errorf("%d requests found no place", n)
	}
}

func TestRequestEndsWithItsContext(t *testing.T) {
	entered, left := make(chan struct{}), make(chan struct{})
	asks, serves := pair(t, func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
		close(entered)
		<-ctx.Done() // when the serving host stops
		close(left)
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	if _, err := asks.Request(ctx, serves.ID(), blocks, nil, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("Request: %v, want the context's error", err)
	}
	serves.stop()
	<-left
	if _, err := serves.Request(t.Context(), asks.ID(), blocks, nil, 10); !errors.Is(err, gossip.ErrNotRunning) {
		t.Errorf("after Run: %v", err)
	}
	if serves.Peers(blocks) != nil || serves.Connected() != nil || serves.Addresses() != nil {
		t.Error("a host that does not run has peers or addresses")
	}
}
