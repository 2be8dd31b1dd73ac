package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aval/domain"
	"aval/domain/envelope"
	"aval/iot/epcis"
	"aval/ledger"
)

func epcisCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "epcis", Short: "Check and capture the events that carriers and warehouses publish",
		Long: `Capture documents of GS1 EPCIS 2.0 in JSON-LD: an EPCISDocument, a bare event, or a bare array of events.
With --dcsa: events of DCSA Track and Trace 3.0, {"events": [...]} or a bare array.`,
	}
	c.AddCommand(epcisCheckCommand(), epcisCaptureCommand())
	return c
}

func epcisCheckCommand() *cobra.Command {
	var p printer
	var dcsa bool
	c := &cobra.Command{
		Use: "check FILE", Short: "Read a document and say what each event states; no node needed", Args: cobra.ExactArgs(1),
		Long: `Read a document ("-" for standard input) and print what each of its events states for a contract: goods,
scans, temperatures, seals, doors, withdrawals. What cannot be, such as a wrong check digit or a temperature in
kilograms, is listed as an exception, and is never evidence.

Exit code 0: read, and sound. 2: read, with exceptions. 1: not readable; the message names the field.`,
		Example: "  aval epcis check events.json",
		RunE: func(c *cobra.Command, args []string) error {
			e, err := readEvents(args[0], dcsa)
			if err != nil {
				return err
			}
			if err := p.print(c, e, e.write); err != nil {
				return err
			}
			if len(e.Exceptions) > 0 {
				return errExceptions
			}
			return nil
		},
	}
	c.Flags().BoolVar(&dcsa, "dcsa", false, "the file holds events of DCSA Track and Trace")
	p.flag(c)
	return c
}

// capturing is the options of "epcis capture".
type capturing struct {
	printer                           printer
	remote                            remote
	kind, shipment, receipts, partyBy string
	dcsa, signOnly                    bool
}

func epcisCaptureCommand() *cobra.Command {
	var o capturing
	c := &cobra.Command{
		Use: "capture FILE", Short: "Sign a document with a device's key and send it to a node", Args: cobra.ExactArgs(1),
		Long: `Sign a document for one shipment and send it. --key is the key of a registered device: of the carrier's
system that publishes the events, named by the shipment as a publisher, or of a device bound to it. The document is
kept byte for byte under the signature. The same file again has no further effect: an event counts once.

Prints what each event states, where the document stands in the log, and, with --party-key, what the shipment waits
for next. Exit code 1 if the ledger refused it; a refusal names the event and the field.`,
		Example: "  aval epcis capture --key system.jwk --shipment S-1 --party-key carrier.jwk events.json",
		RunE:    func(c *cobra.Command, args []string) error { return o.run(c, args[0]) },
	}
	f := c.Flags()
	f.StringVar(&o.shipment, "shipment", "", "shipment that the document is for (required)")
	f.StringVar(&o.kind, "kind", "invoice/1", "contract kind that the document is for")
	f.BoolVar(&o.dcsa, "dcsa", false, "the file holds events of DCSA Track and Trace")
	f.StringVar(&o.receipts, "receipts", "", "folder to save the receipt in, named by the document's SHA-256")
	f.StringVar(&o.partyBy, "party-key", "", "key file of a party that may see the shipment, to say what it waits for")
	f.BoolVar(&o.signOnly, "sign-only", false, "print the signed capture and send nothing; with --ledger no node is needed")
	_ = c.MarkFlagRequired("shipment") // fails only for a flag that does not exist
	o.remote.flags(c)
	o.printer.flag(c)
	return c
}

func (o *capturing) run(c *cobra.Command, file string) error {
	e, err := readEvents(file, o.dcsa)
	if err != nil {
		return err
	}
	ctx, cancel, err := o.remote.context(c)
	if err != nil {
		return err
	}
	defer cancel()
	signer, err := o.remote.identify(ctx)
	if err != nil {
		return err
	}
	raw, err := e.seal(signer, o.remote.origin, o.kind, o.shipment)
	if err != nil {
		return err
	}
	if o.signOnly {
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", raw)
		return err
	}
	cl, err := o.remote.client(nil)
	if err != nil {
		return err
	}
	reply, refused := cl.Capture(ctx, raw)
	if reply.BookedAt == 0 {
		return refused
	}
	return errors.Join(o.report(ctx, c, e, reply), refused)
}

// report says what became of the document.
func (o *capturing) report(ctx context.Context, c *cobra.Command, e *events, reply ledger.Reply) error {
	if o.receipts != "" && reply.Receipt != "" {
		keeper := submitter{receipts: o.receipts}
		if err := keeper.write(filepath.Join(o.receipts, e.SHA256+".tlog-proof"), []byte(reply.Receipt)); err != nil {
			return err
		}
	}
	awaited := ""
	if o.partyBy != "" {
		s, err := o.shipmentNow(ctx)
		if err != nil {
			return err
		}
		awaited = "is " + s.Status + ", and " + s.next()
		e.compare(s)
	}
	result := map[string]any{"document": e, "reply": reply, "awaits": awaited}
	return o.printer.print(c, result, func(w io.Writer) {
		e.write(w)
		word := "booked"
		if reply.Code != "" {
			word = "refused: " + string(reply.Code) + ","
		}
		fmt.Fprintf(w, "%s at index %d\n", word, reply.Index)
		if awaited != "" {
			fmt.Fprintf(w, "shipment %s %s\n", o.shipment, awaited)
		}
	})
}

// shipmentNow asks as a party how the shipment stands.
func (o *capturing) shipmentNow(ctx context.Context) (shipmentState, error) {
	signer, err := readKey(o.partyBy)
	if err != nil {
		return shipmentState{}, err
	}
	cl, err := o.remote.client(signer)
	if err != nil {
		return shipmentState{}, err
	}
	return readShipment(ctx, cl, o.kind, o.shipment)
}

// compare notes which events are about the goods of a shipment.
func (e *events) compare(s shipmentState) {
	for i := range e.Events {
		about := s.about(e.Events[i].readings)
		e.Events[i].About = &about
	}
}

// events is a document as a person looks at it.
type events struct {
	SHA256     string            `json:"sha256"`
	Events     []eventFacts      `json:"events"`
	Exceptions []epcis.Exception `json:"exceptions"`

	raw  []byte
	dcsa bool
}

// eventFacts is one event and what it states.
type eventFacts struct {
	Name   string   `json:"event"`
	Kind   string   `json:"kind"`
	At     string   `json:"at"`
	States []string `json:"states"`
	// About says whether it names the goods of the shipment; nil if nobody looked.
	About *bool `json:"about,omitempty"`

	readings []domain.Reading
}

// readEvents reads a file of EPCIS or of DCSA.
func readEvents(path string, dcsa bool) (*events, error) {
	raw, err := readFile(path, epcis.MaxBytes)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	e := &events{SHA256: hex.EncodeToString(sum[:]), Events: []eventFacts{}, Exceptions: []epcis.Exception{}, raw: raw, dcsa: dcsa}
	if dcsa {
		err = e.readDCSA()
	} else {
		err = e.readEPCIS()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return e, nil
}

func (e *events) readEPCIS() error {
	d, err := epcis.Parse(e.raw)
	if err != nil {
		return err
	}
	readings, err := d.Readings()
	e.Exceptions = append(e.Exceptions, d.Exceptions...)
	for _, event := range d.Events {
		e.add(event.Name(), strings.TrimSpace(event.Type+" "+event.Step), event.Time, readings)
	}
	return err
}

func (e *events) readDCSA() error {
	t, err := epcis.ParseDCSA(e.raw)
	if err != nil {
		return err
	}
	readings, err := t.Readings()
	e.Exceptions = append(e.Exceptions, t.Exceptions...)
	for _, event := range t.Events {
		e.add(event.ID, strings.TrimSpace(event.Type+" "+event.Code+" "+event.Classifier), event.At, readings)
	}
	return err
}

// add lists an event with those of the readings that are its own.
func (e *events) add(name, kind string, at domain.Millis, readings []domain.Reading) {
	facts := eventFacts{Name: name, Kind: kind, At: utcTime(at), States: []string{}}
	for _, r := range readings {
		own := r.Event == name || r.Name == domain.QuantityWithdrawal && r.Text == name
		if own && r.Name != domain.QuantityEvent {
			facts.States = append(facts.States, fact(r))
			facts.readings = append(facts.readings, r)
		}
	}
	e.Events = append(e.Events, facts)
}

// fact writes a reading for a person.
func fact(r domain.Reading) string {
	words := []string{r.Name}
	if r.Unit != "" {
		words = append(words, exact(r.Value, int(r.Scale)), r.Unit)
	}
	for _, word := range []string{r.Text, r.State} {
		if word != "" {
			words = append(words, word)
		}
	}
	if r.By != "" {
		words = append(words, "by", r.By)
	}
	if r.Place != "" {
		words = append(words, "at", r.Place)
	}
	if r.From != 0 {
		words = append(words, "from", utcTime(r.From))
	}
	return strings.Join(append(words, "on", utcTime(r.At)), " ")
}

// exact writes a scaled integer with its point.
func exact(value int64, scale int) string {
	sign := ""
	if value < 0 {
		sign, value = "-", -value
	}
	digits := strconv.FormatInt(value, 10)
	for len(digits) <= scale {
		digits = "0" + digits
	}
	if scale == 0 {
		return sign + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

func utcTime(at domain.Millis) string {
	return time.UnixMilli(int64(at)).UTC().Format("2006-01-02T15:04:05.999Z")
}

func (e *events) write(w io.Writer) {
	for i, event := range e.Events {
		fmt.Fprintf(w, "event %d  %s  %s  %s\n", i, event.At, event.Kind, event.Name)
		for _, state := range event.States {
			fmt.Fprintf(w, "    %s\n", state)
		}
		if len(event.States) == 0 {
			fmt.Fprintln(w, "    states nothing that a contract judges")
		}
		if event.About != nil && !*event.About {
			fmt.Fprintln(w, "    counts for nothing: it does not name the goods of this shipment")
		}
	}
	for _, x := range e.Exceptions {
		fmt.Fprintf(w, "exception %s at %s: %s\n", x.Rule, x.Path, x.Text)
	}
	fmt.Fprintf(w, "SHA-256 of the document: %s\n", e.SHA256)
}

// seal signs the document as the first message of an epoch of its own.
func (e *events) seal(signer *envelope.Signer, origin, kind, shipment string) ([]byte, error) {
	now := time.Now().UnixMilli()
	return epcis.Seal(signer, epcis.Capture{
		Ledger: origin, Kind: domain.Kind(kind), Subject: shipment, Epoch: uint64(now), Sequence: 1, At: domain.Millis(now), Clock: domain.ClockNTP,
		Document: e.raw, DCSA: e.dcsa,
	})
}
