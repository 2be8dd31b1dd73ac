package governance

import (
	"strings"

	"aval/domain"
)

func registerDevice(c *change) error {
	var body struct {
		Device   string         `json:"device"`
		Operator domain.PartyID `json:"operator"`
		Gateway  string         `json:"gateway"`
		Key      domain.Key     `json:"key"`
	}
	if err := c.open(&body, func() string { return body.Device }); err != nil {
		return err
	}
	if err := checkTopicNames(body.Device, body.Gateway, string(body.Operator)); err != nil {
		return err
	}
	h, err := c.operated(deviceKey(body.Device), body.Operator)
	if err != nil {
		return err
	}
	d := domain.Device{ID: body.Device, Operator: body.Operator, Gateway: body.Gateway}
	if err := write(c, deviceKey(d.ID), d, Active, h.Registrar, h.Party); err != nil {
		return err
	}
	if err := say(c, "deviceRegistered", deviceKey(d.ID), d, h); err != nil {
		return err
	}
	return c.addHolder(domain.DeviceHolder, d.ID, h, []domain.Key{body.Key})
}

// MaxTopicName bounds the names that become levels of an MQTT topic.
const MaxTopicName = 48

// checkTopicNames refuses names that a topic cannot hold: such a device could never be heard.
func checkTopicNames(device, gateway, operator string) error {
	for _, n := range []struct{ field, name string }{{"device", device}, {"gateway", gateway}, {"operator", operator}} {
		if n.name == "" || len(n.name) > MaxTopicName || strings.Trim(n.name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return domain.Refuse(domain.Malformed, "%s %.60q: want 1 to %d of a-z, 0-9 and '-', to fit a topic", n.field, n.name, MaxTopicName)
		}
	}
	return nil
}

func registerSource(c *change) error {
	var body struct {
		Source   string         `json:"source"`
		Operator domain.PartyID `json:"operator"`
		Family   string         `json:"family"`
		Key      domain.Key     `json:"key"`
	}
	if err := c.open(&body, func() string { return body.Source }); err != nil {
		return err
	}
	if err := domain.CheckID("family", body.Family); err != nil {
		return err
	}
	h, err := c.operated(sourceKey(body.Source), body.Operator)
	if err != nil {
		return err
	}
	s := domain.Source{ID: body.Source, Operator: body.Operator, Family: body.Family}
	if err := write(c, sourceKey(s.ID), s, Active, h.Registrar, h.Party); err != nil {
		return err
	}
	if err := say(c, "sourceRegistered", sourceKey(s.ID), s, h); err != nil {
		return err
	}
	return c.addHolder(domain.SourceHolder, s.ID, h, []domain.Key{body.Key})
}

// operated checks that the record is new and its operator registered.
func (c *change) operated(key string, operator domain.PartyID) (Holder, error) {
	if err := domain.CheckKey(key); err != nil {
		return Holder{}, err
	}
	if err := c.absent(key); err != nil {
		return Holder{}, err
	}
	_, err := c.living(operator)
	return Holder{Registrar: c.in.Sender, Party: operator}, err
}
