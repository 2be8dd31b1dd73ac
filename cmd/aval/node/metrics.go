package node

import (
	"github.com/prometheus/client_golang/prometheus"
)

// newCollector gives the metrics of the ledger, the sensors and the oracle: counts only,
// nothing that tells one party or amount from another.
func newCollector(n *Node) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	add := func(name, help string, value func() float64) {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
	}
	add("aval_log_leaves_total", "Leaves of the log.", func() float64 { return float64(n.Engine.Size()) })
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "aval_last_batch_seconds", Help: "Time of the last batch, Unix seconds.",
	}, func() float64 { return float64(n.Engine.Now()) / 1000 }))
	add("aval_sensor_accepted_total", "Sensor messages committed with success.", n.sensors(func(s sensorCounts) uint64 { return s.accepted }))
	add("aval_sensor_refused_total", "Sensor messages committed as refusals.", n.sensors(func(s sensorCounts) uint64 { return s.refused }))
	add("aval_sensor_quarantined_total", "Sensor messages refused before ordering.", n.sensors(func(s sensorCounts) uint64 { return s.quarantined }))
	add("aval_sensor_duplicates_total", "Sensor messages that were on the ledger before.", n.sensors(func(s sensorCounts) uint64 { return s.duplicates }))
	add("aval_sensor_gaps_total", "Sessions that an external broker forgot.", n.sensors(func(s sensorCounts) uint64 { return s.gaps }))
	add("aval_oracle_polls_total", "Polls of the flight data source.", func() float64 {
		if n.Oracle == nil {
			return 0
		}
		return float64(n.Oracle.Stats().Polls)
	})
	add("aval_oracle_failures_total", "Polls that gave no answer.", func() float64 {
		if n.Oracle == nil {
			return 0
		}
		return float64(n.Oracle.Stats().Failures)
	})
	return registry
}

// sensorCounts are the counters of the ingest, summed over codes.
type sensorCounts struct{ accepted, refused, quarantined, duplicates, gaps uint64 }

func (n *Node) sensors(pick func(sensorCounts) uint64) func() float64 {
	return func() float64 {
		if n.Ingest == nil {
			return 0
		}
		c := n.Ingest.Counters()
		counts := sensorCounts{accepted: c.Accepted, duplicates: c.Duplicates, gaps: c.Gaps}
		for _, count := range c.Refused { //tidy:ordered a sum
			counts.refused += count
		}
		for _, count := range c.Quarantined { //tidy:ordered a sum
			counts.quarantined += count
		}
		return float64(pick(counts))
	}
}
