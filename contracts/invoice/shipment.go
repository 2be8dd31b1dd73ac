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
	// MaxNumberLength bounds an invoice number, in bytes.
	MaxNumberLength = 64
	// MaxPlanAhead bounds the time between opening and despatch: 30 days.
	MaxPlanAhead domain.Millis = 30 * Day
)

// The states of a shipment.
const (
	Planned    = "planned"
	Despatched = "despatched"
	Inspection = "inspection"
	Held       = "held"     // evidence incomplete, buyer silent for one window
	Claimed    = "claimed"  // the buyer refuses a part or all, the supplier is asked
	Disputed   = "disputed" // the supplier contests that
	Due        = "accepted" // unconditional, paid on the day
	Settled    = "settled"
	Returned   = "returned"
	Lost       = "lost"
	Cancelled  = "cancelled"
)

// Shipment is the record shipment/<id>, from ship to the last posting.
type Shipment struct {
	ID        string `json:"id"`
	Agreement string `json:"agreement"`
	Status    string `json:"status"`
	// Terms are those of the agreement, so that no observation needs another record.
	Terms          Terms         `json:"terms"`
	Number         string        `json:"number"`
	Payable        int64         `json:"payable"`
	DocumentSHA256 string        `json:"documentSha256,omitempty"`
	Devices        []string      `json:"devices"`
	SSCC           string        `json:"sscc,omitempty"`
	DespatchAt     domain.Millis `json:"despatchAt"`
	// JudgeAt is set from the first sign of arrival to the judgement.
	JudgeAt   domain.Millis `json:"judgeAt,omitempty"`
	Judgement *Judgement    `json:"judgement,omitempty"`
	// DecideAt is when the present window of inspection, answer or dispute ends.
	DecideAt domain.Millis `json:"decideAt,omitempty"`
	// Claim is what the buyer refuses to pay, Reason its code.
	Claim  int64  `json:"claim,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Deduction is the claim once the supplier conceded it.
	Deduction int64         `json:"deduction,omitempty"`
	PayAt     domain.Millis `json:"payAt,omitempty"`
	Payoff    *Payoff       `json:"payoff,omitempty"`
}

// binding is the record device/<id>; Shipment is empty while the device is free.
type binding struct {
	Shipment string `json:"shipment"`
}

func shipmentKey(id string) string { return "shipment/" + id }
func deviceKey(id string) string   { return "device/" + id }

func (s Shipment) escrow() domain.AccountID { return domain.EscrowAccount(Kind, shipmentKey(s.ID)) }

// deliverBy is the last instant of a punctual delivery, closes the last at which evidence is taken.
func (s Shipment) deliverBy() domain.Millis { return s.DespatchAt + s.Terms.Delivery.WithinMillis }
func (s Shipment) closes() domain.Millis    { return s.deliverBy() + s.Terms.Delivery.GraceMillis }

func (s Shipment) sensing() bool { return s.Status == Planned || s.Status == Despatched }

func (s Shipment) final() bool {
	return s.Status == Settled || s.Status == Returned || s.Status == Lost || s.Status == Cancelled
}

// insiders see prices, everybody also the carrier.
func (s Shipment) insiders() []domain.PartyID {
	return []domain.PartyID{s.Terms.Supplier, s.Terms.Buyer}
}

func (s Shipment) everybody() []domain.PartyID { return append(s.insiders(), s.Terms.Carrier) }

// save writes the shipment and sets exactly the deadlines of its state.
func (s Shipment) save(d *draft) {
	put(d, shipmentKey(s.ID), s, s.Status, s.final(), s.everybody()...)
	d.heldFor(s.Terms.Buyer) // until it is paid out
	var departAt, overdueAt, judgeAt, decideAt, payAt domain.Millis
	switch s.Status {
	case Planned:
		departAt = s.DespatchAt
	case Despatched:
		judgeAt, overdueAt = s.JudgeAt, s.closes()
	case Inspection, Held, Claimed, Disputed:
		decideAt = s.DecideAt
	case Due:
		payAt = s.PayAt
	}
	d.deadline(s.ID, depart, departAt)
	d.deadline(s.ID, judge, judgeAt)
	d.deadline(s.ID, overdue, overdueAt)
	d.deadline(s.ID, decide, decideAt)
	d.deadline(s.ID, pay, payAt)
}

// shipment loads one for its supplier or buyer, or for a deadline, and refuses another state than those given.
func (c call) shipment(states ...string) (Shipment, error) {
	id := c.in.Command.Contract
	s, found, err := domain.Load[Shipment](c.view, shipmentKey(id))
	if err != nil {
		return s, err
	}
	if !found || !c.in.FromDeadline() && !s.Terms.party(c.in.Sender) {
		return s, domain.Refuse(domain.NotFound, "shipment %.64q: none of yours is open", id)
	}
	if !slices.Contains(states, s.Status) {
		return s, domain.Refuse(domain.WrongState, "shipment is %s, want %s", s.Status, strings.Join(states, " or "))
	}
	return s, nil
}

// only refuses a sender who is not that party.
func (c call) only(who string, p domain.PartyID) error {
	if c.in.Sender != p {
		return domain.Refuse(domain.NotPermitted, "only the %s may %s", who, c.in.Command.Name)
	}
	return nil
}

func (c call) depart() (domain.Effects, error) {
	s, err := c.shipment(Planned)
	if err != nil {
		return domain.Effects{}, err
	}
	// From here on it must succeed.
	s.Status = Despatched
	var d draft
	s.save(&d)
	d.event("ShipmentDespatched", shipmentKey(s.ID), opened{s.Status, s.DespatchAt, s.deliverBy()}, s.everybody()...)
	return d.done()
}

func (c call) cancel() (domain.Effects, error) {
	s, err := c.shipment(Planned)
	if err != nil {
		return domain.Effects{}, err
	}
	if c.in.Now >= s.DespatchAt { // its deadline may run a batch late
		return domain.Effects{}, domain.Refuse(domain.WrongState, "shipment has been despatched")
	}
	return c.abandon(s, Cancelled, "ShipmentCancelled")
}

// overdue ends the wait for a delivery: what is proved by now is judged, else the shipment is lost.
func (c call) overdue() (domain.Effects, error) {
	s, err := c.shipment(Despatched)
	if err != nil {
		return domain.Effects{}, err
	}
	tracks, err := c.tracks(s)
	if err != nil {
		return domain.Effects{}, err
	}
	if at, proof := delivery(s, tracks); proof != "" {
		return c.conclude(s, tracks, at, proof)
	}
	return c.abandon(s, Lost, "ShipmentLost")
}

// ended is the body of an event after which nothing is paid.
type ended struct {
	Status string `json:"status"`
}

// abandon returns everything to the buyer and ends the gathering of evidence.
func (c call) abandon(s Shipment, status, event string) (domain.Effects, error) {
	// From here on it must succeed.
	s.Status = status
	var d draft
	c.retire(&d, s)
	d.event(event, shipmentKey(s.ID), ended{status}, s.everybody()...)
	c.settle(&d, s, 0, status)
	return d.done()
}

// retire closes the watch, frees the devices and closes the evidence: the log keeps the messages themselves.
func (c call) retire(d *draft, s Shipment) {
	d.fx.Watches = append(d.fx.Watches, domain.Watch{Subject: s.ID})
	for i, device := range s.Devices {
		put(d, deviceKey(device), binding{}, "free", false, s.Terms.Supplier)
		put(d, traceKey(s.ID, i), trace{Device: device}, "closed", true, s.insiders()...)
	}
	for _, r := range c.view.Scan(samplesPrefix(s.ID), "", domain.MaxScan) {
		put(d, r.Key, slice{}, "closed", true, s.insiders()...)
	}
}

func traceKey(shipment string, device int) string {
	return "trace/" + shipment + "/" + strconv.Itoa(device)
}
