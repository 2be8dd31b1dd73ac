package invoice

import (
	"crypto/sha256"
	"encoding/hex"
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

// usedNumber is the record number/<hash>, final at once: that its key is closed is all it says.
type usedNumber struct {
	Shipment string `json:"shipment"`
}

func shipmentKey(id string) string { return "shipment/" + id }
func deviceKey(id string) string   { return "device/" + id }

// numberKey hashes supplier and invoice number; a zero byte, which neither holds, divides them.
func numberKey(supplier domain.PartyID, number string) string {
	sum := sha256.Sum256([]byte(string(supplier) + "\x00" + number))
	return "number/" + hex.EncodeToString(sum[:])
}

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
	var departAt, overdueAt, judgeAt, decideAt, payAt domain.Millis
	switch s.Status {
	case Planned:
		departAt, overdueAt = s.DespatchAt, s.closes()
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
	if s.SSCC != "" && !validSSCC(s.SSCC) || s.SSCC == "" && s.Terms.Delivery.Proof.needsScan() {
		return domain.Refuse(domain.Malformed, "sscc: want 18 digits with a right check digit")
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

// validSSCC says whether text is 18 digits whose last is GS1's check digit: weights 3 and 1
// in turn, 3 first, and a sum that ten divides.
func validSSCC(text string) bool {
	if len(text) != 18 || strings.Trim(text, "0123456789") != "" {
		return false
	}
	sum := 0
	for i := range len(text) {
		sum += int(text[i]-'0') * (3 - i%2*2)
	}
	return sum%10 == 0
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
	return c.abandon(s, Cancelled, "ShipmentCancelled")
}

// overdue ends the wait for a delivery: what is proved by now is judged, else the shipment is lost.
func (c call) overdue() (domain.Effects, error) {
	s, err := c.shipment(Planned, Despatched)
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
