package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"aval/domain"
	"aval/ledger/enclave"
)

// collector gives the metrics of the ledger's time, the sensors and the oracle: counts only, with
// labels from the closed set of refusal codes; nothing that tells one party or amount from another.
type collector struct{ node *Node }

func newCollector(n *Node) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{n})
	return registry
}

var (
	lastBatch    = prometheus.NewDesc("aval_last_batch_seconds", "Time of the last batch, Unix seconds.", nil, nil)
	keyEpoch     = prometheus.NewDesc("aval_key_epoch", "Number of the key that bodies are sealed under.", nil, nil)
	shareNumber  = prometheus.NewDesc("aval_recovery_number", "Number of the recovery set that shares are issued of.", nil, nil)
	shareEpoch   = prometheus.NewDesc("aval_recovery_epoch", "Newest key epoch in that set; below aval_key_epoch it is out of date.", nil, nil)
	keyWay       = prometheus.NewDesc("aval_keys_opened", "How this node came by its keys at this start.", []string{"way"}, nil)
	diskFree     = prometheus.NewDesc("aval_disk_free_bytes", "Room on the disk of the ledger.", nil, nil)
	diskReserve  = prometheus.NewDesc("aval_disk_reserve_bytes", "Room below which nothing new is admitted.", nil, nil)
	accepted     = prometheus.NewDesc("aval_sensor_accepted_total", "Sensor messages committed with success.", nil, nil)
	refused      = prometheus.NewDesc("aval_sensor_refused_total", "Sensor messages committed as refusals.", []string{"code"}, nil)
	quarantined  = prometheus.NewDesc("aval_sensor_quarantined_total", "Sensor messages refused before ordering.", []string{"code"}, nil)
	duplicates   = prometheus.NewDesc("aval_sensor_duplicates_total", "Sensor messages that were on the ledger before.", nil, nil)
	unanswered   = prometheus.NewDesc("aval_sensor_unacknowledged_total", "Sensor messages that no commit could be had for.", nil, nil)
	mismatched   = prometheus.NewDesc("aval_sensor_mismatched_total", "Messages under another gateway's or device's topic.", []string{"what"}, nil)
	gaps         = prometheus.NewDesc("aval_sensor_gaps_total", "Sessions that an external broker forgot.", nil, nil)
	answersLost  = prometheus.NewDesc("aval_sensor_answers_dropped_total", "Answers to gateways that did not fit a full queue.", nil, nil)
	oraclePolls  = prometheus.NewDesc("aval_oracle_polls_total", "Polls of the flight data source.", nil, nil)
	oracleSaid   = prometheus.NewDesc("aval_oracle_answers_total", "Answers of the flight data source: many unknown ones mean a wrong address or key.", []string{"phase"}, nil)
	hardening    = prometheus.NewDesc("aval_hardening", "1 if the measure that protects the process is on.", []string{"measure"}, nil)
	oracleFaults = prometheus.NewDesc("aval_oracle_failures_total", "Polls that gave no answer.", nil, nil)
)

var (
	cosigned   = prometheus.NewDesc("aval_witness_cosignatures_total", "Cosignatures of a witness.", []string{"witness"}, nil)
	uncosigned = prometheus.NewDesc("aval_witness_failures_total", "Requests to a witness that gave no cosignature.", []string{"witness", "reason"}, nil)
	witnessed  = prometheus.NewDesc("aval_witnessed_leaves", "Leaves under the newest head that a quorum of witnesses has cosigned.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c collector) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, out) }

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(lastBatch, prometheus.GaugeValue, float64(c.node.Engine.Now())/1000)
	out <- prometheus.MustNewConstMetric(keyEpoch, prometheus.GaugeValue, float64(c.node.Engine.KeyEpoch()))
	out <- prometheus.MustNewConstMetric(keyWay, prometheus.GaugeValue, 1, c.node.way)
	if set := c.node.issued.Load(); set != nil {
		out <- prometheus.MustNewConstMetric(shareNumber, prometheus.GaugeValue, float64(set.Number))
		out <- prometheus.MustNewConstMetric(shareEpoch, prometheus.GaugeValue, float64(set.Epoch))
	}
	if c.node.Witnesses != nil {
		out <- prometheus.MustNewConstMetric(witnessed, prometheus.GaugeValue, float64(c.node.Engine.CosignedSize()))
		for _, s := range c.node.Witnesses.Stats() {
			count(out, cosigned, s.Cosigned, s.Witness)
			for reason, n := range s.Failures { //tidy:ordered metrics have no order
				count(out, uncosigned, n, s.Witness, reason)
			}
		}
	}
	if free, reserve, err := c.node.store.Space(); err == nil {
		out <- prometheus.MustNewConstMetric(diskFree, prometheus.GaugeValue, float64(free))
		out <- prometheus.MustNewConstMetric(diskReserve, prometheus.GaugeValue, float64(reserve))
	}
	if c.node.options.Hardening != nil {
		for _, m := range c.node.options.Hardening.Measures {
			out <- prometheus.MustNewConstMetric(hardening, prometheus.GaugeValue, isOn[m.State], m.Name)
		}
	}
	if c.node.Oracle != nil {
		stats := c.node.Oracle.Stats()
		count(out, oraclePolls, stats.Polls)
		count(out, oracleFaults, stats.Failures)
		count(out, oracleSaid, stats.Finals, "final")
		count(out, oracleSaid, stats.Pending, "pending")
		count(out, oracleSaid, stats.Unknown, "unknown")
	}
	if c.node.Ingest == nil {
		return
	}
	s := c.node.Ingest.Counters()
	count(out, accepted, s.Accepted)
	count(out, duplicates, s.Duplicates)
	count(out, unanswered, s.Unacknowledged)
	count(out, mismatched, s.GatewayMismatch, "gateway")
	count(out, mismatched, s.DeviceMismatch, "device")
	count(out, gaps, s.Gaps)
	count(out, answersLost, s.RepliesDropped)
	byCode(out, refused, s.Refused)
	byCode(out, quarantined, s.Quarantined)
}

var isOn = map[string]float64{enclave.MeasureOn: 1}

func byCode(out chan<- prometheus.Metric, d *prometheus.Desc, counts map[domain.Code]uint64) {
	for code, n := range counts { //tidy:ordered metrics have no order
		count(out, d, n, string(code))
	}
}

func count(out chan<- prometheus.Metric, d *prometheus.Desc, n uint64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}
