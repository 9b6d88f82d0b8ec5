package app

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/trinebridge/trine/chain/quorum"
	"github.com/trinebridge/trine/gossip"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/processor"
)

// metrics turns the parts' typed events into Prometheus metrics.
type metrics struct {
	registry *prometheus.Registry

	gossipReceived *prometheus.CounterVec
	gossipDropped  *prometheus.CounterVec
	gossipPeers    prometheus.Gauge
	misbehaved     *prometheus.CounterVec
	endpointTook   *prometheus.HistogramVec
	endpointFailed *prometheus.CounterVec
	blocks         prometheus.Counter
	syncs          prometheus.Counter
	syncTook       prometheus.Histogram
	dropped        *prometheus.CounterVec
	balance        *prometheus.GaugeVec
	attempts       *prometheus.CounterVec
}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "trine", Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry:       prometheus.NewRegistry(),
		gossipReceived: counter("gossip_received_total", "Messages that came in, by topic and verdict.", "topic", "verdict"),
		gossipDropped:  counter("gossip_dropped_total", "Messages that were not handed on or not sent, by topic and reason.", "topic", "reason"),
		gossipPeers:    prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "trine", Name: "gossip_peers", Help: "Connected peers."}),
		misbehaved:     counter("gossip_misbehaved_total", "Deeds of peers that no honest peer does.", "deed"),
		endpointTook: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "trine", Name: "endpoint_seconds", Help: "How long endpoints took to answer.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 12)}, []string{"chain", "endpoint", "method"}),
		endpointFailed: counter("endpoint_failed_total", "Calls to endpoints that gave no answer.", "chain", "endpoint", "method"),
		blocks:         prometheus.NewCounter(prometheus.CounterOpts{Namespace: "trine", Name: "blocks_total", Help: "Blocks made durable by this processor."}),
		syncs:          prometheus.NewCounter(prometheus.CounterOpts{Namespace: "trine", Name: "syncs_total", Help: "Syncs in which they became durable."}),
		syncTook: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "trine", Name: "sync_seconds", Help: "How long a run of blocks took to become durable.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 12)}),
		dropped:  counter("transactions_dropped_total", "Transactions that did not apply, by code.", "code"),
		balance:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "trine", Name: "fee_balance_coins", Help: "What the submitter's fee payer owns, in whole coins."}, []string{"chain"}),
		attempts: counter("attempts_total", "Transactions that the submitter broadcast.", "chain", "replaces"),
	}
	m.registry.MustRegister(m.gossipReceived, m.gossipDropped, m.gossipPeers, m.misbehaved, m.endpointTook, m.endpointFailed,
		m.blocks, m.syncs, m.syncTook, m.dropped, m.balance, m.attempts, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// gauge registers a value that is read when it is asked for.
func (m *metrics) gauge(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "trine", Name: name, Help: help}, read))
}

func (m *metrics) gossip() gossip.Events {
	return gossip.Events{
		Received: func(topic string, _ int, v gossip.Verdict) { m.gossipReceived.WithLabelValues(topic, v.String()).Inc() },
		Dropped:  func(topic, reason string) { m.gossipDropped.WithLabelValues(topic, reason).Inc() },
		Peers:    func(n int) { m.gossipPeers.Set(float64(n)) },
		// The peer stands in the log line; as a label it would let a stranger grow the metrics.
		Misbehaved: func(_, deed string) { m.misbehaved.WithLabelValues(deed).Inc() },
	}
}

func (m *metrics) endpoint(chainID string, o quorum.Observation) {
	m.endpointTook.WithLabelValues(chainID, o.Endpoint, o.Method).Observe(o.Took.Seconds())
	if o.Err != nil {
		m.endpointFailed.WithLabelValues(chainID, o.Endpoint, o.Method).Inc()
	}
}

func (m *metrics) processor() processor.Hooks {
	return processor.Hooks{
		Committed: func(blocks int, took time.Duration) {
			m.blocks.Add(float64(blocks))
			m.syncs.Inc()
			m.syncTook.Observe(took.Seconds())
		},
		Dropped: func(code ledger.Code) { m.dropped.WithLabelValues(code.String()).Inc() },
	}
}
