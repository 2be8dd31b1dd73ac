package governance

import (
	"strings"

	"aval/domain"
)

// MaxMeasurements bounds the measurements on record, trusted or not any more.
const MaxMeasurements = 256

// Distrusted is the status of a measurement whose end is set.
const Distrusted = "distrusted"

func measurementKey(platform, value string) string { return "measurement/" + platform + "/" + value }

// trustMeasurement lets code of that measurement run the ledger from now on. The release before it
// stays trusted until somebody distrusts it, so that nodes change over one by one.
func trustMeasurement(c *change) error {
	var body struct {
		Platform string `json:"platform"`
		Value    string `json:"value"`
		Release  string `json:"release"`
	}
	if err := c.open(&body, func() string { return "measurements" }); err != nil {
		return err
	}
	m := domain.Measurement{Platform: body.Platform, Value: body.Value, Release: body.Release, Since: c.in.Now}
	if err := checkMeasurement(m); err != nil {
		return err
	}
	old, found, err := domain.Load[domain.Measurement](c.view, measurementKey(m.Platform, m.Value))
	switch {
	case err != nil:
		return err
	case found && old.TrustedAt(c.in.Now):
		return domain.Refuse(domain.AlreadyExists, "value: it is trusted, as release %.64s", old.Release)
	case !found && len(c.view.Scan("measurement/", "", MaxMeasurements)) >= MaxMeasurements:
		return domain.Refuse(domain.LimitExceeded, "measurements: %d, limit %d", MaxMeasurements, MaxMeasurements)
	}
	return c.declare(measurementKey(m.Platform, m.Value), m, "measurementTrusted")
}

func checkMeasurement(m domain.Measurement) error {
	if err := domain.CheckID("platform", m.Platform); err != nil {
		return err
	}
	if n := len(m.Value); n < 64 || n > 96 || n%2 != 0 || strings.Trim(m.Value, "0123456789abcdef") != "" {
		return domain.Refuse(domain.Malformed, "value: want 32 to 48 bytes in lower-case hex")
	}
	return domain.CheckID("release", m.Release)
}

// distrustMeasurement ends the trust, now or at a later time.
func distrustMeasurement(c *change) error {
	var body struct {
		Platform string        `json:"platform"`
		Value    string        `json:"value"`
		Until    domain.Millis `json:"until"`
	}
	if err := c.open(&body, func() string { return "measurements" }); err != nil {
		return err
	}
	key := measurementKey(body.Platform, body.Value)
	m, found, err := domain.Load[domain.Measurement](c.view, key)
	if err != nil {
		return err
	}
	if !found || !m.TrustedAt(c.in.Now) {
		return domain.Refuse(domain.NotFound, "value: %.96s of %.64s is not trusted", body.Value, body.Platform)
	}
	if body.Until != 0 && body.Until < c.in.Now {
		return domain.Refuse(domain.TooLate, "until: has passed")
	}
	m.Until = max(body.Until, c.in.Now)
	return c.declare(key, m, "measurementDistrusted")
}
