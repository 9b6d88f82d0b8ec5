package gossip

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

const (
	// requestTimeout bounds a request on both sides; a caller's context may be shorter.
	requestTimeout = 20 * time.Second
	// readTimeout bounds how long a peer may take to send its request.
	readTimeout = 5 * time.Second
	// maxAnswer bounds what a handler may answer, in bytes.
	maxAnswer = 4 << 20
	// Requests that are served at the same time. A static peer has its places besides those
	// that all others share.
	maxServedPerPeer = 8
	maxServed        = 64
)

// Why a request has no answer. Besides these there are the errors of the network and of the context.
var (
	// ErrPeerBusy: the peer serves too many requests now; ask another, or later.
	ErrPeerBusy = errors.New("peer is busy")
	// ErrPeerRefused: the peer's handler has no answer to this request.
	ErrPeerRefused = errors.New("peer refused the request")
	// ErrBadAnswer: the peer answered what no honest peer answers. It was penalised.
	ErrBadAnswer = errors.New("peer gave an invalid answer")
)

// A request is its length (4 bytes, big-endian) and its bytes. An answer is a status byte,
// its length and its bytes; the length is 0 unless the status is answered.
const (
	statusAnswered byte = iota
	statusRefused
	statusBusy
)

// RequestHandler answers a request of a peer. An error refuses the request; the peer learns
// that it was refused, not why.
type RequestHandler = func(ctx context.Context, from string, request []byte) ([]byte, error)

// service is a protocol that is served.
type service struct {
	name    string
	limit   int
	handler RequestHandler
}

// Serve answers requests of at most limit bytes until cancel is called. Answers may have up
// to 4 MiB. A protocol has one handler at a time.
func (h *Host) Serve(protocol string, limit int, handler RequestHandler) (cancel func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.services[protocol]; ok {
		return nil, fmt.Errorf("gossip: protocol %s is served already", protocol)
	}
	s := &service{protocol, limit, handler}
	h.services[protocol] = s
	if h.run != nil {
		h.run.serve(s)
	}
	return sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.services, protocol)
		if h.run != nil {
			h.run.host.RemoveStreamHandler(h.protocolID(protocol))
		}
	}), nil
}

// Peers returns the connected peers that speak a protocol, in order of their ids.
func (h *Host) Peers(protocol string) []string {
	r := h.current()
	if r == nil {
		return nil
	}
	var speakers []string
	for _, id := range r.host.Network().Peers() {
		if spoken, err := r.host.Peerstore().SupportsProtocols(id, h.protocolID(protocol)); err == nil && len(spoken) > 0 {
			speakers = append(speakers, id.String())
		}
	}
	slices.Sort(speakers)
	return speakers
}

// Request asks a connected peer and returns its answer of at most limit bytes.
func (h *Host) Request(ctx context.Context, to, protocol string, request []byte, limit int) ([]byte, error) {
	start := time.Now()
	answer, err := h.request(ctx, to, protocol, request, limit)
	h.settings.Events.Requested(protocol, time.Since(start), err)
	if err != nil {
		return nil, fmt.Errorf("gossip: ask %s for %s: %w", to, protocol, err)
	}
	return answer, nil
}

func (h *Host) request(ctx context.Context, to, protocol string, request []byte, limit int) ([]byte, error) {
	r := h.current()
	if r == nil {
		return nil, ErrNotRunning
	}
	id, err := peer.Decode(to)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	stream, err := r.host.NewStream(network.WithNoDial(ctx, "requests go to connected peers"), id, h.protocolID(protocol))
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Reset() }() // does nothing to a stream that has ended
	// Both the deadline and a cancelled context end what waits on the stream.
	stop := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	defer stop()
	answer, err := exchange(stream, request, limit)
	if errors.Is(err, ErrBadAnswer) {
		r.conduct.blame(id, stream.Conn().RemoteMultiaddr().String(), deedBadResponse, protocol)
	}
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return answer, err
}

func exchange(stream network.Stream, request []byte, limit int) ([]byte, error) {
	if _, err := stream.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(request))), request...)); err != nil { // requests are small
		return nil, err
	}
	if err := stream.CloseWrite(); err != nil {
		return nil, err
	}
	var status [1]byte
	if _, err := io.ReadFull(stream, status[:]); err != nil {
		return nil, err
	}
	answer, err := readSized(stream, limit)
	switch {
	case errors.Is(err, errOversized):
		return nil, fmt.Errorf("%w: %w", ErrBadAnswer, err)
	case err != nil:
		return nil, err
	case status[0] == statusAnswered:
		return answer, nil
	case status[0] == statusRefused && len(answer) == 0:
		return nil, ErrPeerRefused
	case status[0] == statusBusy && len(answer) == 0:
		return nil, ErrPeerBusy
	}
	return nil, fmt.Errorf("%w: status %d with %d bytes", ErrBadAnswer, status[0], len(answer))
}

var errOversized = errors.New("it is too large")

// readSized reads a length and as many bytes, at most limit of them.
func readSized(from io.Reader, limit int) ([]byte, error) {
	var prefix [4]byte
	if _, err := io.ReadFull(from, prefix[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(prefix[:])
	if uint64(size) > uint64(max(limit, 0)) { // not negative
		return nil, fmt.Errorf("%w: %d bytes, at most %d", errOversized, size, limit)
	}
	content := make([]byte, size)
	if _, err := io.ReadFull(from, content); err != nil {
		return nil, err
	}
	return content, nil
}

func (h *Host) protocolID(name string) protocol.ID {
	return protocol.ID("/" + h.network + "/" + strings.TrimPrefix(name, "/"))
}

// serve lets the peers reach a service.
func (r *run) serve(s *service) {
	r.host.SetStreamHandler(r.owner.protocolID(s.name), func(stream network.Stream) { r.answer(s, stream) })
}

// answer serves one request.
func (r *run) answer(s *service, stream network.Stream) {
	from := stream.Conn().RemotePeer()
	events := r.owner.settings.Events
	if !r.enter() {
		_ = stream.Reset()
		return
	}
	defer r.tasks.Done()
	if err := stream.SetDeadline(time.Now().Add(readTimeout)); err != nil {
		_ = stream.Reset()
		return
	}
	// Who opens streams and says nothing takes no place: libp2p bounds such streams per peer.
	request, err := readSized(stream, s.limit)
	if errors.Is(err, errOversized) {
		r.conduct.blame(from, stream.Conn().RemoteMultiaddr().String(), deedBadRequest, s.name)
	}
	if err != nil {
		events.Served(s.name, "unreadable")
		_ = stream.Reset()
		return
	}
	if err := stream.SetDeadline(time.Now().Add(requestTimeout)); err != nil {
		_ = stream.Reset()
		return
	}
	if !r.served.take(from) {
		events.Served(s.name, "busy")
		reply(stream, statusBusy, nil)
		return
	}
	defer r.served.give(from)
	ctx, cancel := context.WithTimeout(r.ctx, requestTimeout)
	defer cancel()
	answer, err := s.handler(ctx, from.String(), request)
	switch {
	case err != nil:
		r.log.Debug("gossip: request refused", "peer", from.String(), "protocol", s.name, "err", err)
		events.Served(s.name, "refused")
		reply(stream, statusRefused, nil)
	case len(answer) > maxAnswer:
		r.log.Warn("gossip: answer is too large to send", "protocol", s.name, "bytes", len(answer), "limit", maxAnswer)
		events.Served(s.name, "too large")
		reply(stream, statusRefused, nil)
	default:
		events.Served(s.name, "")
		reply(stream, statusAnswered, answer)
	}
}

// reply answers and ends the stream. A peer that has gone is nobody's fault.
func reply(stream network.Stream, status byte, answer []byte) {
	head := binary.BigEndian.AppendUint32([]byte{status}, uint32(len(answer))) // at most maxAnswer
	if _, err := stream.Write(append(head, answer...)); err != nil {
		_ = stream.Reset()
		return
	}
	_ = stream.Close()
}

// places bounds the requests that are served at the same time. Strangers, who can make up
// any number of names, share what a static peer does not need.
type places struct {
	static map[peer.ID]bool

	mu     sync.Mutex
	shared int
	byPeer map[peer.ID]int
}

func newPlaces(static []peer.AddrInfo) *places {
	p := &places{static: map[peer.ID]bool{}, byPeer: map[peer.ID]int{}}
	for i := range static {
		p.static[static[i].ID] = true
	}
	return p
}

func (p *places) take(id peer.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byPeer[id] >= maxServedPerPeer || !p.static[id] && p.shared >= maxServed {
		return false
	}
	if !p.static[id] {
		p.shared++
	}
	p.byPeer[id]++
	return true
}

func (p *places) give(id peer.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.static[id] {
		p.shared--
	}
	if p.byPeer[id]--; p.byPeer[id] == 0 {
		delete(p.byPeer, id)
	}
}
