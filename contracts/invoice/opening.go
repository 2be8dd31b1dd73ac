package invoice

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"aval/domain"
	"aval/domain/ident"
)

// Opening is the body of ship.
type Opening struct {
	Agreement string `json:"agreement"`
	// Number is the supplier's invoice number; surrounding spaces do not count, all else does.
	Number  string       `json:"number"`
	Payable domain.Money `json:"payable"`
	// DocumentSHA256 is the hash of the invoice file in lower-case hexadecimal, empty if there is none.
	DocumentSHA256 string `json:"documentSha256,omitempty"`
	// Devices are registered devices that no other open shipment uses.
	Devices []string `json:"devices"`
	// SSCC names the goods, 18 digits; needed if a scan is proof.
	SSCC string `json:"sscc,omitempty"`
	// DespatchAt is the instant of despatch, at most MaxPlanAhead ahead; 0 is now.
	DespatchAt domain.Millis `json:"despatchAt,omitempty"`
}

func (c call) ship() (domain.Effects, error) {
	var body Opening
	if err := c.in.Command.DecodeBody(&body); err != nil {
		return domain.Effects{}, err
	}
	a, err := c.agreement(body.Agreement)
	if err != nil {
		return domain.Effects{}, err
	}
	if err := c.only("supplier", a.Terms.Supplier); err != nil {
		return domain.Effects{}, err
	}
	if a.Status != Agreed || c.in.Now >= a.Terms.ExpiresAt {
		return domain.Effects{}, domain.Refuse(domain.WrongState, "agreement is %s or has expired", a.Status)
	}
	s := Shipment{
		ID: c.in.Command.Contract, Agreement: a.ID, Status: Planned, Terms: a.Terms, Number: strings.Trim(body.Number, " "),
		Payable: body.Payable.Minor, DocumentSHA256: body.DocumentSHA256, Devices: body.Devices, SSCC: body.SSCC,
		DespatchAt: body.DespatchAt,
	}
	if s.DespatchAt == 0 {
		s.Status, s.DespatchAt = Despatched, c.in.Now
	}
	if err := c.checkOpening(a, s, body.Payable); err != nil {
		return domain.Effects{}, err
	}
	// From here on it must succeed.
	a.Open++
	var d draft
	a.save(&d)
	s.save(&d)
	put(&d, numberKey(s.Terms.Supplier, s.Number), usedNumber{s.ID}, "used", true, s.Terms.Supplier)
	for i, device := range s.Devices {
		put(&d, deviceKey(device), binding{s.ID}, "bound", false, s.Terms.Supplier)
		put(&d, traceKey(s.ID, i), trace{Device: device}, "open", false, s.insiders()...)
	}
	d.move("hold", a.escrow(), s.escrow(), s.Payable, s.Terms.Currency)
	d.fx.Watches = []domain.Watch{{Subject: s.ID, Until: s.closes()}}
	s.announce(&d)
	return d.done()
}

// opened and declared are what a shipment's opening tells everybody, and insiders.
type opened struct {
	Status     string        `json:"status"`
	DespatchAt domain.Millis `json:"despatchAt"`
	DeliverBy  domain.Millis `json:"deliverBy"`
}

type declared struct {
	Agreement string       `json:"agreement"`
	Number    string       `json:"number"`
	Payable   domain.Money `json:"payable"`
}

func (s Shipment) announce(d *draft) {
	d.event("ShipmentOpened", shipmentKey(s.ID), opened{s.Status, s.DespatchAt, s.deliverBy()}, s.everybody()...)
	d.event("InvoiceDeclared", shipmentKey(s.ID), declared{s.Agreement, s.Number, s.money(s.Payable)}, s.insiders()...)
}

func (s Shipment) money(minor int64) domain.Money {
	return domain.Money{Minor: minor, Currency: s.Terms.Currency}
}

func (c call) checkOpening(a Agreement, s Shipment, payable domain.Money) error {
	if _, open := c.view.Get(shipmentKey(s.ID)); open || c.view.Closed(shipmentKey(s.ID)) {
		return domain.Refuse(domain.AlreadyExists, "shipment %s: the ID is taken", s.ID)
	}
	if s.DespatchAt < c.in.Now || s.DespatchAt > c.in.Now+MaxPlanAhead {
		return domain.Refuse(domain.Malformed, "despatchAt: want 0 or an instant in the next %d days", MaxPlanAhead/Day)
	}
	if err := c.checkInvoice(s, payable); err != nil {
		return err
	}
	if err := c.checkDevices(s); err != nil {
		return err
	}
	if s.SSCC != "" || s.Terms.Delivery.Proof.needsScan() {
		if err := ident.CheckSSCC("sscc", s.SSCC); err != nil {
			return err
		}
	}
	if c.view.Available(a.escrow(), s.Terms.Currency) < s.Payable {
		return domain.Refuse(domain.InsufficientFunds, "payable: more than the agreement's escrow holds")
	}
	return nil
}

func (c call) checkInvoice(s Shipment, payable domain.Money) error {
	if payable.Currency != s.Terms.Currency {
		return domain.Refuse(domain.CurrencyMismatch, "payable is in %.3s, the agreement in %s", string(payable.Currency), s.Terms.Currency)
	}
	if err := payable.CheckPositive("payable"); err != nil {
		return err
	}
	if payable.Minor > s.Terms.MaxPayable {
		return domain.Refuse(domain.CapacityExceeded, "payable: above the maxPayable of the terms")
	}
	if !printable(s.Number, MaxNumberLength) {
		return domain.Refuse(domain.Malformed, "number: want 1 to %d printable ASCII characters", MaxNumberLength)
	}
	if h := s.DocumentSHA256; h != "" && (len(h) != 64 || strings.Trim(h, "0123456789abcdef") != "") {
		return domain.Refuse(domain.Malformed, "documentSha256: want 64 lower-case hexadecimal digits")
	}
	key := numberKey(s.Terms.Supplier, s.Number)
	if _, open := c.view.Get(key); open || c.view.Closed(key) {
		return domain.Refuse(domain.AlreadyExists, "number: you have used this invoice number before")
	}
	return nil
}

func (c call) checkDevices(s Shipment) error {
	if len(s.Devices) == 0 || len(s.Devices) > MaxDevices {
		return domain.Refuse(domain.LimitExceeded, "devices: %d, want 1 to %d", len(s.Devices), MaxDevices)
	}
	for i, id := range s.Devices {
		if err := domain.CheckID("devices", id); err != nil {
			return err
		}
		device, known := c.in.Registry.Device(id)
		if !known || !slices.Contains(s.Terms.Operators, device.Operator) {
			return domain.Refuse(domain.NotEvidence, "devices: %s is not a registered device of an agreed operator", id)
		}
		bound, _, err := domain.Load[binding](c.view, deviceKey(id))
		if err != nil {
			return err
		}
		if bound.Shipment != "" || slices.Contains(s.Devices[:i], id) {
			return domain.Refuse(domain.WrongState, "devices: %s is in use, or stands twice", id)
		}
	}
	return nil
}

// usedNumber is the record number/<hash>, final at once: that its key is closed is all it says.
type usedNumber struct {
	Shipment string `json:"shipment"`
}

// numberKey hashes supplier and invoice number; a zero byte, which neither holds, divides them.
func numberKey(supplier domain.PartyID, number string) string {
	sum := sha256.Sum256([]byte(string(supplier) + "\x00" + number))
	return "number/" + hex.EncodeToString(sum[:])
}
