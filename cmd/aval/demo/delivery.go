package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aval/contracts/invoice"
	"aval/domain"
	"aval/domain/envelope"
	"aval/iot"
	"aval/iot/gateway"
	"aval/iot/senml"
	"aval/ledger"
)

// The two deliveries. Numbers and amounts are canaries too.
const (
	agreementID   = "rahmen-2026"
	warmShipment  = "sendung-4711"
	mutedShipment = "sendung-4712"
	warmPayable   = 48_213_377
	mutedPayable  = 17_650_139
	tripHours     = 20
	perMessage    = 6
)

// sensor is a device with its key and the shipment it rides on.
type sensor struct {
	id       string
	shipment string
	signer   *envelope.Signer
	device   *gateway.Device
}

func newSensor(id, shipment, format string) (*sensor, error) {
	signer, err := envelope.NewSigner(envelope.ES256, rand.Reader)
	if err != nil {
		return nil, err
	}
	head := senml.Pack{Ledger: origin, Kind: invoice.Kind, Subject: shipment, Device: id, Epoch: 1}
	device, err := gateway.NewDevice(signer, head, format)
	return &sensor{id: id, shipment: shipment, signer: signer, device: device}, err
}

// terms are what supplier and buyer agree on: 2 to 6 degrees, a reading each ten minutes, 0.05 EUR a degree-minute, at most 20 %.
func terms(expires domain.Millis) invoice.Terms {
	const minute, hour = domain.Millis(60_000), domain.Millis(3_600_000)
	return invoice.Terms{
		Supplier: supplier, Buyer: buyer, Carrier: carrier, Operators: []domain.PartyID{carrier}, Currency: "EUR",
		MaxPayable: 60_000_000, ExpiresAt: expires, Triggers: []invoice.Trigger{invoice.Delivered},
		Delivery: invoice.Delivery{
			Proof: invoice.ByFence, WithinMillis: 36 * hour, GraceMillis: 12 * hour, MinTransitMillis: hour,
			Fence: &invoice.Fence{Latitude: dockLatitude, Longitude: dockLongitude, RadiusMetres: 300, Readings: 3, DwellMillis: 20 * minute},
		},
		Sampling: invoice.Sampling{IntervalMillis: 10 * minute, MaxGapMillis: 30 * minute, WaitMillis: 30 * minute},
		Condition: &invoice.Condition{
			LowerMilli: 2000, UpperMilli: 6000, MinCoverage: "95", Consecutive: 2, Rate: "25.00", CapPercent: "20",
		},
		InspectionMillis: 48 * hour, ResponseMillis: 48 * hour, SilencePercent: "50", DisputePercent: "50",
	}
}

// agree makes the framework agreement and funds it.
func (w *world) agree(ctx context.Context) error {
	now := w.millis()
	proposal := invoice.Proposal{Terms: terms(now + 30*invoice.Day), AnswerBy: now + invoice.Day}
	return w.conclude(ctx, agreementID, supplier, buyer, proposal, domain.Money{Minor: mutedPayable, Currency: "EUR"})
}

// conclude lets one party propose and the other agree, and the buyer put the money in.
func (w *world) conclude(ctx context.Context, id string, proposer, other domain.PartyID, proposal invoice.Proposal, amount domain.Money) error {
	hash, err := proposal.Terms.Hash()
	if err != nil {
		return err
	}
	if err := w.parties[proposer].send(ctx, invoice.Kind, id, "propose", proposal); err != nil {
		return err
	}
	if err := w.parties[other].send(ctx, invoice.Kind, id, "agree", invoice.Agreeing{TermsHash: hash}); err != nil {
		return err
	}
	if err := w.issue(ctx, buyer, amount); err != nil {
		return err
	}
	return w.parties[buyer].send(ctx, invoice.Kind, id, "fund", invoice.Funding{Amount: amount})
}

func (w *world) millis() domain.Millis { return domain.Millis(w.clock.Now().UnixMilli()) }

func (w *world) ship(ctx context.Context, s *sensor, number string, payable int64) error {
	return w.parties[supplier].send(ctx, invoice.Kind, s.shipment, "ship", invoice.Opening{
		Agreement: agreementID, Number: number, Payable: domain.Money{Minor: payable, Currency: "EUR"}, Devices: []string{s.id},
	})
}

// deliver sends both shipments on their way and sees them paid.
func (w *world) deliver(ctx context.Context, warm, muted *sensor, s *Summary) error {
	w.say("1. cold chain: %s ships, %s carries, %s pays from escrow", supplier, carrier, buyer)
	if err := w.agree(ctx); err != nil {
		return err
	}
	ordered, err := w.order(ctx)
	if err != nil {
		return err
	}
	began := w.clock.Now()
	if err := w.despatch(ctx, ordered, warm); err != nil {
		return err
	}
	if err := w.bill(ctx, ordered); err != nil {
		return err
	}
	if err := w.ship(ctx, muted, "RE-2026-0816", mutedPayable); err != nil {
		return err
	}
	if err := w.travel(ctx, began, warm, muted, s); err != nil {
		return err
	}
	// The judgement falls once late messages have been waited for; the muted shipment is
	// reported as delivered by its supplier, without proof, and so waits for the buyer.
	if err := w.advance(ctx, began.Add((tripHours+2)*time.Hour)); err != nil {
		return err
	}
	w.say("2. the second shipment's sensor fell silent: held for inspection, the buyer accepts")
	if err := w.parties[supplier].send(ctx, invoice.Kind, muted.shipment, "deliver", invoice.Arrival{At: domain.Millis(began.Add(tripHours * time.Hour).UnixMilli())}); err != nil {
		return err
	}
	if err := w.parties[buyer].send(ctx, invoice.Kind, muted.shipment, "accept", invoice.Acceptance{}); err != nil {
		return err
	}
	if err := w.advance(ctx, w.clock.Now().Add(time.Hour)); err != nil {
		return err
	}
	for _, told := range [][2]string{{warmInvoice, warm.shipment}, {muted.shipment, muted.shipment}} {
		result, err := w.invoiceResult(ctx, told[0], told[1])
		if err != nil {
			return err
		}
		s.Invoices = append(s.Invoices, result)
	}
	return nil
}

// travel forwards the trip's telemetry through a real gateway, MQTT broker and ledger.
func (w *world) travel(ctx context.Context, began time.Time, warm, muted *sensor, s *Summary) error {
	g, err := w.openGateway()
	if err != nil {
		return err
	}
	defer g.Close()
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- g.Run(running) }()
	err = w.forward(ctx, g, began, warm, muted, s)
	stop()
	if err := errors.Join(err, <-done); err != nil {
		return err
	}
	counters := w.node.Ingest.Counters()
	s.Telemetry.Receipts, s.Telemetry.Duplicates = int(g.Stats().Trimmed), int(counters.Duplicates)
	for _, n := range counters.Quarantined {
		s.Telemetry.Quarantined += int(n)
	}
	w.issued.Add(int64(s.Telemetry.Messages))
	w.verified.Add(int64(g.Stats().Trimmed))
	return nil
}

func (w *world) openGateway() (*gateway.Gateway, error) {
	dir := filepath.Dir(w.node.Folder.Dir)
	password, err := os.ReadFile(filepath.Join(w.node.Folder.Dir, gatewayID+".password"))
	if err != nil {
		return nil, err
	}
	return gateway.Open(gateway.Config{
		Broker: "tcp://" + w.node.Broker.Address(), Net: netName, Org: string(carrier), ID: gatewayID, Password: string(password),
		Path: filepath.Join(dir, "gateway.wal"), Resend: 2 * time.Second, Verify: gateway.VerifyUnder(w.policy),
	})
}

// forward lets time pass in quarters of the trip; each quarter's messages arrive in another
// order than they were signed, and a stranger repeats one and forges another.
func (w *world) forward(ctx context.Context, g *gateway.Gateway, began time.Time, warm, muted *sensor, s *Summary) error {
	messages, err := warm.device.SignSamples(trip(began), domain.ClockGNSS, perMessage)
	if err != nil {
		return err
	}
	silent, err := muted.device.SignSamples(trip(began)[:5*perMessage], domain.ClockGNSS, perMessage)
	if err != nil {
		return err
	}
	quarter := (len(messages) + 3) / 4
	for from := 0; from < len(messages); from += quarter {
		part := messages[from:min(from+quarter, len(messages))]
		w.clock.set(began.Add(time.Duration(from+len(part)) * perMessage * interval))
		if len(part) > 1 {
			part[0], part[1] = part[1], part[0] // out of order
		}
		for _, raw := range part {
			if err := g.Put(warm.id, iot.Readings, raw); err != nil {
				return err
			}
		}
		s.Telemetry.Messages += len(part)
		if from == 0 {
			for _, raw := range silent {
				if err := g.Put(muted.id, iot.Readings, raw); err != nil {
					return err
				}
			}
			s.Telemetry.Messages += len(silent)
		}
		if err := w.until(ctx, "receipts for sensor messages", func() (bool, error) { return g.Stats().Pending == 0, nil }); err != nil {
			return err
		}
		w.say("   %2d of %d sensor messages have a ledger receipt", g.Stats().Trimmed, len(messages)+len(silent))
		if from == 0 {
			if err := w.mischief(warm, part[0]); err != nil {
				return err
			}
		}
	}
	return nil
}

// invoiceResult reads a settled invoice and the story of it and its shipment, as the supplier.
func (w *world) invoiceResult(ctx context.Context, id, shipment string) (InvoiceResult, error) {
	var record struct {
		Status string       `json:"status"`
		Fields invoice.Bill `json:"fields"`
	}
	bill := "invoice/" + id
	if err := w.parties[supplier].get(ctx, recordPath(bill), &record); err != nil {
		return InvoiceResult{}, err
	}
	result := InvoiceResult{Invoice: id, Shipment: shipment, Currency: "EUR", PayableMinor: record.Fields.Payable, Status: record.Status}
	if p := record.Fields.Payoff; p != nil {
		result.PenaltyMinor, result.PaidMinor, result.ReturnedMinor = p.Penalty, p.Paid, p.Returned
	}
	for _, key := range []string{"shipment/" + shipment, bill} {
		story, err := w.events(ctx, key)
		if err != nil {
			return InvoiceResult{}, err
		}
		result.Story = append(result.Story, story...)
	}
	return result, nil
}

func recordPath(key string) string {
	return "/v1/contracts/" + string(domain.NewRecordID(invoice.Kind, key))
}

// events tells what happened to one record.
func (w *world) events(ctx context.Context, key string) (lines []string, err error) {
	var page struct {
		Entries []ledger.EntryView `json:"entries"`
	}
	if err := w.parties[supplier].get(ctx, recordPath(key)+"/events", &page); err != nil {
		return nil, err
	}
	for _, e := range page.Entries {
		for _, event := range e.Events {
			lines = append(lines, strings.TrimSpace(event.Name+" "+told(event)))
		}
	}
	return lines, nil
}

// told picks what a person wants to know of an event.
func told(event ledger.EventView) string {
	var body struct {
		DegreeMinutes string       `json:"degreeMinutes"`
		Charged       domain.Money `json:"charged"`
		Incomplete    []string     `json:"incomplete"`
		Paid          int64        `json:"paid"`
		Returned      int64        `json:"returned"`
	}
	if json.Unmarshal(event.Body, &body) != nil {
		return ""
	}
	switch event.Name {
	case "PenaltyCharged":
		return fmt.Sprintf("%s degree-minutes outside the band, %s", body.DegreeMinutes, body.Charged)
	case "DeliveryJudged":
		if len(body.Incomplete) > 0 {
			return fmt.Sprintf("evidence incomplete: %v", body.Incomplete)
		}
	case "InvoiceSettled":
		return fmt.Sprintf("%s to the supplier, %s back to the buyer", money(body.Paid, "EUR"), money(body.Returned, "EUR"))
	}
	return ""
}
