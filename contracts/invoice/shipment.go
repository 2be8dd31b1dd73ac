package invoice

import (
	"slices"
	"strconv"
	"strings"

	"aval/domain"
)

// Limits of a shipment.
const (
	// MaxDevices bounds the devices of one shipment.
	MaxDevices = 4
	// MaxBills bounds the open invoices that cover one shipment.
	MaxBills = 16
	// MaxPlanAhead bounds the time between opening and despatch: 30 days.
	MaxPlanAhead domain.Millis = 30 * Day
)

// The states of a shipment.
const (
	Planned        = "planned"
	Despatched     = "despatched"
	InTransit      = "inTransit"   // a device has reported
	GoodsDelivered = "delivered"   // as agreed; the buyer's word, or its silence, is waited for
	Inspection     = "inspection"  // an excursion counted, on complete evidence: the buyer is to look
	Conditional    = "conditional" // evidence incomplete, or a part not accepted
	GoodsAccepted  = "accepted"
	DeemedAccepted = "deemedAccepted" // the buyer kept silent on complete evidence
	GoodsRejected  = "rejected"
	Returning      = "returning" // rejected, and on the way home
	Returned       = "returned"
	Lost           = "lost"
	Cancelled      = "cancelled"
)

// Shipment is the record shipment/<id>: goods and their evidence. It holds no money and names no
// price but that of the condition; the invoices that cover it do.
type Shipment struct {
	ID        string `json:"id"`
	Agreement string `json:"agreement"`
	Status    string `json:"status"`
	// Carriage is taken from the terms when it is opened, so that no observation needs another record.
	Carriage   Carriage      `json:"carriage"`
	Devices    []string      `json:"devices"`
	Lines      []ShippedLine `json:"lines,omitempty"`
	Publishers []string      `json:"publishers,omitempty"`
	SSCC       string        `json:"sscc,omitempty"`
	Container  string        `json:"container,omitempty"`
	// Seals are the numbers at despatch, FoundSeals those that the buyer found.
	Seals      []string      `json:"seals,omitempty"`
	FoundSeals []string      `json:"foundSeals,omitempty"`
	DespatchAt domain.Millis `json:"despatchAt"`
	// JudgeAt is set from the first sign of arrival to the judgement.
	JudgeAt   domain.Millis `json:"judgeAt,omitempty"`
	Judgement *Judgement    `json:"judgement,omitempty"`
	// DecideAt is when the inspection ends.
	DecideAt domain.Millis `json:"decideAt,omitempty"`
	// Excused says that the buyer grants force majeure for a delay.
	Excused bool `json:"excused,omitempty"`
	// ReturnBy is when goods on their way home are taken to be there.
	ReturnBy domain.Millis `json:"returnBy,omitempty"`
	// Received says that the buyer has advised its receipt.
	Received bool `json:"received,omitempty"`
	// Swept says that its evidence is closed, SweepAt that this waits for a batch of its own.
	Swept   bool          `json:"swept,omitempty"`
	SweepAt domain.Millis `json:"sweepAt,omitempty"`
	// Ended says that the goods have met their end; the record stays open for its invoices.
	Ended bool `json:"ended,omitempty"`
	// Bills are the open invoices that cover it.
	Bills []string `json:"bills,omitempty"`
	// Charged is what its excursions have cost so far, over all invoices, in minor units.
	Charged int64 `json:"charged,omitempty"`
	// InvoiceBy is until when an invoice may still come, once the goods have met their end; zero if none will.
	InvoiceBy domain.Millis `json:"invoiceBy,omitempty"`
}

// binding is the record device/<id>; Shipment is empty while the device is free.
type binding struct {
	Shipment string `json:"shipment"`
}

func shipmentKey(id string) string { return "shipment/" + id }
func deviceKey(id string) string   { return "device/" + id }

func traceKey(shipment string, device int) string {
	return "trace/" + shipment + "/" + strconv.Itoa(device)
}

// deliverBy is the last instant of a punctual delivery, closes the last at which evidence is taken.
func (s Shipment) deliverBy() domain.Millis { return s.DespatchAt + s.Carriage.Delivery.WithinMillis }
func (s Shipment) closes() domain.Millis    { return s.deliverBy() + s.Carriage.Delivery.GraceMillis }

// underway says whether the goods have left and nobody has judged them.
func (s Shipment) underway() bool { return s.Status == Despatched || s.Status == InTransit }

// witnesses are the devices whose messages count: those bound to it, then publishers of events.
func (s Shipment) witnesses() []string { return slices.Concat(s.Devices, s.Publishers) }

func (s Shipment) sensing() bool { return s.Status == Planned || s.underway() }

// failed says whether the goods never came to the buyer, or went back.
func (s Shipment) failed() bool {
	return slices.Contains([]string{Lost, Cancelled, GoodsRejected, Returning, Returned}, s.Status)
}

func (s Shipment) final() bool {
	return s.Ended && len(s.Bills) == 0 && s.InvoiceBy == 0 && s.Status != Returning && s.Swept
}

// lingers is how long withdrawals of evidence are waited for while a record is open.
const lingers = 10 * MaxWindow

// watch asks for messages while evidence is gathered, and for withdrawals until the shipment is final.
func (s Shipment) watch(now domain.Millis) domain.Watch {
	switch {
	case s.final():
		return domain.Watch{Subject: s.ID}
	case s.sensing():
		return domain.Watch{Subject: s.ID, Until: s.closes()}
	}
	return domain.Watch{Subject: s.ID, Until: now + lingers}
}

// insiders see prices, everybody also the carrier.
func (s Shipment) insiders() []domain.PartyID {
	return []domain.PartyID{s.Carriage.Supplier, s.Carriage.Buyer}
}

func (s Shipment) everybody() []domain.PartyID { return append(s.insiders(), s.Carriage.Carrier) }

// save writes the shipment and sets exactly the deadlines of its state.
func (s Shipment) save(d *draft) {
	put(d, shipmentKey(s.ID), s, s.Status, s.final(), s.everybody()...)
	var departAt, overdueAt, judgeAt, fileAt domain.Millis
	switch {
	case s.Status == Planned:
		departAt = s.DespatchAt
	case s.underway():
		judgeAt, overdueAt = s.JudgeAt, s.closes()
	case s.Ended:
		fileAt = s.InvoiceBy
	}
	d.deadline(s.ID, depart, departAt)
	d.deadline(s.ID, judge, judgeAt)
	d.deadline(s.ID, overdue, overdueAt)
	d.deadline(s.ID, decide, s.DecideAt)
	d.deadline(s.ID, file, fileAt)
	d.deadline(s.ID, restock, s.ReturnBy)
	d.deadline(s.ID, sweep, s.SweepAt)
	d.fx.Watches = append(d.fx.Watches, s.watch(d.in.Now))
	if s.final() {
		d.count(s.Agreement, -1)
		for _, r := range d.view.Scan(registerPrefix(s.ID), "", domain.MaxScan) {
			put(d, r.Key, register{}, "closed", true, s.insiders()...)
		}
	}
}

// shipment loads one for its supplier or buyer, or for a deadline, and refuses another state than those given.
func (d *draft) shipment(states ...string) (*Shipment, error) {
	id := d.in.Command.Contract
	s, found, err := d.shipments.fetch(d.view, shipmentKey(id))
	if err != nil {
		return nil, err
	}
	if !found || !d.in.FromDeadline() && !slices.Contains(s.insiders(), d.in.Sender) {
		return nil, domain.Refuse(domain.NotFound, "shipment %.64q: none of yours is open", id)
	}
	if !slices.Contains(states, s.Status) {
		return nil, domain.Refuse(domain.WrongState, "shipment is %s, want %s", s.Status, strings.Join(states, " or "))
	}
	return s, nil
}

func (d *draft) depart() error {
	s, err := d.shipment(Planned)
	if err != nil {
		return err
	}
	s.Status = Despatched
	d.shipments.touch(s)
	d.event("ShipmentDespatched", shipmentKey(s.ID), opened{s.Status, s.DespatchAt, s.deliverBy()}, s.everybody()...)
	return nil
}

// overdue ends the wait for a delivery: what is proved by now is judged, else the shipment is lost.
func (d *draft) overdue() error {
	s, err := d.shipment(Despatched, InTransit)
	if err != nil {
		return err
	}
	tracks, err := d.tracks(*s)
	if err != nil {
		return err
	}
	if at, proof := delivery(*s, tracks); proof != "" {
		return d.conclude(s, tracks, at, proof)
	}
	return d.abandon(s, Lost, "ShipmentLost")
}

// ended is the body of an event that says what the goods' end was.
type ended struct {
	Status string `json:"status"`
}

// abandon ends a shipment that brought nothing.
func (d *draft) abandon(s *Shipment, status, event string) error {
	d.retire(*s)
	d.sweep(s)
	d.event(event, shipmentKey(s.ID), ended{status}, s.everybody()...)
	d.finish(s, status)
	return d.advanceAll(s)
}

// finish gives the goods their end, or another one while an invoice about them is open.
func (d *draft) finish(s *Shipment, status string) {
	s.Status, s.DecideAt = status, 0
	if !s.Ended {
		s.Ended = true
		switch {
		case s.failed():
			s.InvoiceBy = 0
		case s.InvoiceBy != 0:
			s.InvoiceBy = d.in.Now + s.Carriage.InvoiceMillis
		}
	}
	d.recount(s)
	d.shipments.touch(s)
	d.fail(d.sift(s))
}

// file ends the time in which an invoice may come.
func (d *draft) file() error {
	id := d.in.Command.Contract
	s, found, err := d.shipments.fetch(d.view, shipmentKey(id))
	if err != nil || !found || !s.Ended {
		return firstError(err, domain.Refuse(domain.NotFound, "shipment %.64q waits for no invoice", id))
	}
	s.InvoiceBy = 0
	d.shipments.touch(s)
	d.fail(d.sift(s))
	d.event("ShipmentFiled", shipmentKey(s.ID), ended{s.Status}, s.everybody()...)
	return nil
}

// release takes a closed invoice off the shipments that it covered.
func (d *draft) release(b *Bill) error {
	for _, id := range b.Shipments {
		s, err := d.covered(id)
		if err != nil {
			return err
		}
		s.Bills = slices.DeleteFunc(s.Bills, func(bill string) bool { return bill == b.ID })
		d.shipments.touch(s)
	}
	return nil
}

// covered loads a shipment that an open invoice keeps open.
func (d *draft) covered(id string) (*Shipment, error) {
	s, found, err := d.shipments.fetch(d.view, shipmentKey(id))
	if err == nil && !found {
		err = domain.Refuse(domain.NotFound, "shipment %.64q: none of yours is open", id)
	}
	return s, err
}

// retire frees the devices: nothing more is measured.
func (d *draft) retire(s Shipment) {
	for _, device := range s.Devices {
		put(d, deviceKey(device), binding{}, "free", false, s.Carriage.Supplier)
	}
}
