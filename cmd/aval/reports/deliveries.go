package reports

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"aval/contracts/invoice"
	"aval/domain"
)

// Delivery is a line of what was carried. Its carrier sees no amounts: those rows have none.
type Delivery struct {
	Shipment    string        `json:"shipment"`
	Status      string        `json:"status"`
	SSCC        string        `json:"sscc,omitempty"`
	DespatchAt  domain.Millis `json:"despatchAt"`
	DeliverBy   domain.Millis `json:"deliverBy"`
	DeliveredAt domain.Millis `json:"deliveredAt,omitempty"`
	// LateMinutes are those after DeliverBy, zero if it was in time or is not there.
	LateMinutes int64 `json:"lateMinutes"`
	// Excursions are the stays outside of the band, with their degree-minutes.
	Excursions []string `json:"degreeMinutes"`
	// Penalties are what they and the lateness cost the invoices of the shipment, for who may see amounts.
	Penalties []domain.Money `json:"penalties,omitempty"`
	// Missing says why evidence is not complete.
	Missing []string `json:"missing,omitempty"`
}

// ReadDelivery reads a shipment's fields as the ledger shows them to one of its parties.
func ReadDelivery(fields []byte) (Delivery, error) {
	var c struct {
		invoice.Consignment
		Carriage  *invoice.Carriage  `json:"carriage"`
		Judgement *invoice.Judgement `json:"judgement"`
	}
	if err := json.Unmarshal(fields, &c); err != nil {
		return Delivery{}, err
	}
	d := Delivery{
		Shipment: c.ID, Status: c.Status, SSCC: c.SSCC, DespatchAt: c.DespatchAt, DeliverBy: c.DeliverBy, DeliveredAt: c.DeliveredAt, Excursions: []string{},
	}
	if c.Carriage != nil {
		d.DeliverBy = c.DespatchAt + c.Carriage.Delivery.WithinMillis
	}
	if j := c.Judgement; j != nil {
		d.DeliveredAt, d.Missing = j.DeliveredAt, j.Incomplete
		for _, e := range j.Excursions {
			d.Excursions = append(d.Excursions, e.DegreeMinutes)
		}
	}
	if late := d.DeliveredAt - d.DeliverBy; d.DeliveredAt != 0 && late > 0 {
		d.LateMinutes = int64(late) / 60_000
	}
	return d, nil
}

// Penalise adds what the deductions of an invoice charge to the shipments that they are about.
func Penalise(all map[string]*Delivery, fields []byte) error {
	var b invoice.Bill
	var form struct {
		Payment *json.RawMessage `json:"payment"`
	}
	if err := json.Unmarshal(fields, &form); err != nil || form.Payment == nil {
		return err // an obligation lists no deductions
	}
	if err := json.Unmarshal(fields, &b); err != nil {
		return err
	}
	for _, x := range b.Deductions {
		if d := all[x.Shipment]; d != nil && (x.Kind == invoice.ForCondition || x.Kind == invoice.ForLate) {
			d.Penalties = append(d.Penalties, domain.Money{Minor: x.Minor, Currency: b.Payment.Currency})
		}
	}
	return nil
}

func (d Delivery) cells() []string {
	delivered := ""
	if d.DeliveredAt != 0 {
		delivered = minute(d.DeliveredAt)
	}
	var penalties []string
	for _, m := range d.Penalties {
		penalties = append(penalties, m.String())
	}
	return []string{
		d.Shipment, d.Status, d.SSCC, minute(d.DespatchAt), minute(d.DeliverBy), delivered, count(d.LateMinutes), strings.Join(d.Excursions, " "),
		strings.Join(penalties, " + "), strings.Join(d.Missing, ", "),
	}
}

func minute(m domain.Millis) string { return strings.Replace(m.String()[:16], "T", " ", 1) }

// Deliveries lists what was carried, by the day it was due.
func Deliveries(party domain.PartyID, asOf domain.Date, all []Delivery) (Sheet, error) {
	s := Sheet{Report: "deliveries", Party: party, AsOf: asOf, Rows: []Row{}, head: []column{
		{name: "shipment"}, {name: "status"}, {name: "sscc"}, {name: "despatched"}, {name: "due"}, {name: "delivered"}, {name: "lateMinutes", number: true}, {name: "degreeMinutes"},
		{name: "penalties"}, {name: "missing"},
	}}
	slices.SortFunc(all, func(a, b Delivery) int {
		return cmp.Or(cmp.Compare(a.DeliverBy, b.DeliverBy), strings.Compare(a.Shipment, b.Shipment))
	})
	var t sums
	for _, d := range all {
		s.Rows = append(s.Rows, d)
		for _, m := range d.Penalties {
			t.add("penalties", m)
		}
	}
	var err error
	s.Totals, err = t.totals()
	return s, err
}
