package invoice

import (
	"slices"
	"strings"

	"aval/domain"
	"aval/domain/ident"
)

// Opening is the body of ship. With a number it declares an invoice with the ID of the
// shipment in the same command: the short way, for one invoice about one shipment.
type Opening struct {
	Agreement string `json:"agreement"`
	// Number, Payable and DocumentSHA256 are those of the invoice; see Declaration.
	Number         string       `json:"number,omitempty"`
	Payable        domain.Money `json:"payable,omitzero"`
	DocumentSHA256 string       `json:"documentSha256,omitempty"`
	// InvoiceLines are the lines of that invoice, needed under an order with lines.
	InvoiceLines []BillLine `json:"invoiceLines,omitempty"`
	// Invoice is the ID of one that was declared before its goods left, and waits for these.
	Invoice string `json:"invoice,omitempty"`
	// Lines are what of the order it carries, needed under an order with lines.
	Lines []ShippedLine `json:"lines,omitempty"`
	// Devices are registered devices that no other open shipment uses.
	Devices []string `json:"devices"`
	// SSCC names the goods, 18 digits; needed if a scan is proof.
	SSCC string `json:"sscc,omitempty"`
	// Publishers state business events, as a carrier's system does: registered devices, or "party/<id>" for a party that
	// signs itself. One may serve many shipments at a time, and what it says counts only in events that name the goods.
	Publishers []string `json:"publishers,omitempty"`
	// Container is the number of the container that carries the goods (ISO 6346), empty if none does.
	Container string `json:"container,omitempty"`
	// Seals are the numbers of the seals that the load leaves with; needed if the terms say sealed.
	Seals []string `json:"seals,omitempty"`
	// DespatchAt is the instant of despatch, at most MaxPlanAhead ahead; 0 is now.
	DespatchAt domain.Millis `json:"despatchAt,omitempty"`
}

func (d *draft) ship() error {
	var body Opening
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	a, err := d.underAgreement(body.Agreement)
	if err != nil {
		return err
	}
	s := Shipment{
		ID: d.in.Command.Contract, Agreement: a.ID, Status: Planned, Carriage: a.Terms.carriage(),
		Lines: body.Lines, Devices: body.Devices, Publishers: body.Publishers, SSCC: body.SSCC, Container: body.Container, Seals: body.Seals,
		DespatchAt: body.DespatchAt,
	}
	if s.DespatchAt == 0 {
		s.Status, s.DespatchAt = Despatched, d.in.Now
	}
	if err := d.checkOpening(s); err != nil {
		return err
	}
	if err := s.loads(a); err != nil {
		return err
	}
	kept := d.open(a, s)
	if body.Invoice != "" {
		return d.fulfil(kept, body)
	}
	if body.Number == "" && body.Payable == (domain.Money{}) {
		kept.InvoiceBy = s.closes()
		return nil
	}
	return d.declare(a, Declaration{
		Agreement: a.ID, Number: body.Number, Payable: body.Payable, DocumentSHA256: body.DocumentSHA256, Shipments: []string{s.ID},
		Lines: body.InvoiceLines,
	})
}

// underAgreement loads one under which its supplier may ship and invoice.
func (d *draft) underAgreement(id string) (*Agreement, error) {
	a, err := d.agreement(id)
	if err != nil {
		return nil, err
	}
	if err := d.only("supplier", a.Terms.Supplier); err != nil {
		return nil, err
	}
	if a.Status != Agreed || d.in.Now >= a.Terms.ExpiresAt || a.Suspension != nil {
		return nil, domain.Refuse(domain.WrongState, "agreement is %s, has expired or is suspended", a.Status)
	}
	if a.Terms.Settlement == Undertaking && !a.Undertaken {
		return nil, domain.Refuse(domain.WrongState, "the bank has not undertaken to pay yet")
	}
	return a, nil
}

// open takes a shipment in, binds its devices and watches for their messages.
func (d *draft) open(a *Agreement, s Shipment) *Shipment {
	kept := d.shipments.add(shipmentKey(s.ID), s)
	a.Open++
	d.agreements.touch(a)
	for i, device := range s.Devices {
		put(d, deviceKey(device), binding{s.ID}, "bound", false, s.Carriage.Supplier)
		put(d, traceKey(s.ID, i), trace{Device: device}, "open", false, s.insiders()...)
	}
	for i, publisher := range s.Publishers {
		put(d, traceKey(s.ID, len(s.Devices)+i), trace{Device: publisher}, "open", false, s.insiders()...)
	}
	d.event("ShipmentOpened", shipmentKey(s.ID), opened{s.Status, s.DespatchAt, s.deliverBy()}, s.everybody()...)
	return kept
}

// opened is what a shipment's opening tells everybody.
type opened struct {
	Status     string        `json:"status"`
	DespatchAt domain.Millis `json:"despatchAt"`
	DeliverBy  domain.Millis `json:"deliverBy"`
}

func (d *draft) checkOpening(s Shipment) error {
	if d.taken(shipmentKey(s.ID)) {
		return domain.Refuse(domain.AlreadyExists, "shipment %s: the ID is taken", s.ID)
	}
	if s.DespatchAt < d.in.Now || s.DespatchAt > d.in.Now+MaxPlanAhead {
		return domain.Refuse(domain.Malformed, "despatchAt: want 0 or an instant in the next %d days", MaxPlanAhead/Day)
	}
	if err := d.checkDevices(s); err != nil {
		return err
	}
	return s.checkGoods()
}

// checkGoods refuses numbers of the goods that are missing or cannot be.
func (s Shipment) checkGoods() error {
	if s.SSCC != "" || s.Carriage.Delivery.Proof.needsScan() {
		if err := ident.CheckSSCC("sscc", s.SSCC); err != nil {
			return err
		}
	}
	if s.Container != "" {
		if err := ident.CheckContainer("container", s.Container); err != nil {
			return err
		}
	}
	if s.Carriage.Delivery.Sealed != (len(s.Seals) > 0) || len(s.Seals) > maxOpeningSeals {
		return domain.Refuse(domain.Malformed, "seals: want 1 to %d if the terms say sealed, and else none", maxOpeningSeals)
	}
	for _, number := range s.Seals {
		if !printable(number, maxSealLength) {
			return domain.Refuse(domain.Malformed, "seals: want 1 to %d printable ASCII characters", maxSealLength)
		}
	}
	return nil
}

// Limits of seals: how many a load has, and DCSA's length of a number.
const (
	maxOpeningSeals = 8
	maxSealLength   = 15
)

// operator gives the party behind a device, or behind itself as a publisher.
func (d *draft) operator(id string, publisher bool) (domain.PartyID, bool, error) {
	name, found := strings.CutPrefix(id, domain.HolderOf(""))
	if party := domain.PartyID(name); found && publisher {
		_, known := d.in.Registry.Party(party)
		return party, known, party.Check()
	}
	device, known := d.in.Registry.Device(id)
	return device.Operator, known, domain.CheckID("devices", id)
}

func (d *draft) checkDevices(s Shipment) error {
	all := s.witnesses()
	if len(all) == 0 || len(all) > MaxDevices {
		return domain.Refuse(domain.LimitExceeded, "devices: %d, want 1 to %d with publishers", len(all), MaxDevices)
	}
	for i, id := range all {
		operator, known, err := d.operator(id, i >= len(s.Devices))
		if err != nil {
			return err
		}
		if !known || !slices.Contains(s.Carriage.Operators, operator) {
			return domain.Refuse(domain.NotEvidence, "devices: %s is not a registered device of an agreed operator", id)
		}
		if slices.Contains(all[:i], id) {
			return domain.Refuse(domain.WrongState, "devices: %s stands twice", id)
		}
		if i >= len(s.Devices) {
			continue // publishers are bound to no shipment
		}
		bound, _, err := domain.Load[binding](d.view, deviceKey(id))
		if err != nil {
			return err
		}
		if bound.Shipment != "" {
			return domain.Refuse(domain.WrongState, "devices: %s is in use", id)
		}
	}
	return nil
}
