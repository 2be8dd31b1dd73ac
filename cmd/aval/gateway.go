package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/domain"
	"aval/domain/envelope"
	"aval/iot"
	"aval/iot/gateway"
	"aval/iot/senml"
	"aval/ledger"
)

// gatewayOptions are the flags of the gateway.
type gatewayOptions struct {
	printer                                             printer
	broker, net, org, id, passwordFile                  string
	ledger, kind, shipment, device, keyPath, policyPath string
	store, telemetry, capture, format                   string
	perMessage                                          int
	wait                                                time.Duration
	dropHeld, dcsa                                      bool
	// api is the node whose broker it is, for trust.
	api   string
	trust trust
	tls   *brokerTrust

	hardening hardening
}

func gatewayCommand() *cobra.Command {
	var o gatewayOptions
	c := &cobra.Command{
		Use: "gateway", Short: "Sign a recorded trip and forward it over MQTT until the ledger has it", Args: cobra.NoArgs,
		Long: `A sensor gateway: read a telemetry file, sign its readings with the device's key, store
them durably in --store, and publish over MQTT until there is a ledger receipt for each
message that verifies under the policy. Nothing else lets the gateway forget a message: when
it is stopped or killed, run it again with the same --store and without --telemetry.

A message that the ledger refused to take, because its key is not registered for example, is
in quarantine there and gets no receipt. It stays in the store too, in case that changes,
until --drop-held says that it may be forgotten.

With --capture it signs and sends a carrier's document of at most some 40 KiB in the same way; larger ones go by
"aval epcis capture".

Telemetry is CSV with the header ` + gateway.TelemetryHeader + `.`,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	f := c.Flags()
	f.StringVar(&o.broker, "broker", "tcp://127.0.0.1:1883", "URL of the MQTT broker")
	f.StringVar(&o.api, "node", "", "https address of the API of the node whose broker it is, for --attest")
	o.trust.flags(c)
	f.StringVar(&o.net, "net", "main", "name of the ledger's net in topics")
	f.StringVar(&o.org, "org", "", "party that operates the gateway (required)")
	f.StringVar(&o.id, "id", "", "ID of the gateway, which is its MQTT client ID (required)")
	f.StringVar(&o.passwordFile, "password-file", "", "file with the gateway's MQTT password")
	f.StringVar(&o.ledger, "ledger", "", "name of the ledger; by default that of the policy")
	f.StringVar(&o.kind, "kind", "invoice/1", "contract kind that the readings are for")
	f.StringVar(&o.shipment, "shipment", "", "shipment that the readings are for")
	f.StringVar(&o.device, "device", "", "ID of the device that signs")
	f.StringVar(&o.keyPath, "key", "", "key file of the device")
	f.StringVar(&o.policyPath, "policy", "", "policy file of the ledger (required)")
	f.StringVar(&o.store, "store", "", "file in which messages wait for their receipts (required)")
	f.StringVar(&o.telemetry, "telemetry", "", "telemetry file to sign and send; without it, what the store holds is sent")
	f.StringVar(&o.capture, "capture", "", "file with an EPCIS document or, with --dcsa, DCSA events to sign and send")
	f.BoolVar(&o.dcsa, "dcsa", false, "the file of --capture holds events of DCSA Track and Trace")
	f.StringVar(&o.format, "format", "jws", "jws (SenML JSON) or cose (SenML CBOR)")
	f.IntVar(&o.perMessage, "per-message", 6, "instants that share one signature, 1 to 60")
	f.DurationVar(&o.wait, "wait", time.Minute, "give up after this long; what has no receipt stays in the store")
	f.BoolVar(&o.dropHeld, "drop-held", false, "forget the messages that the ledger put into quarantine")
	for _, name := range []string{"org", "id", "policy", "store"} {
		_ = c.MarkFlagRequired(name) // fails only for a flag that does not exist
	}
	o.hardening.flags(c)
	o.printer.flag(c)
	return c
}

func (o *gatewayOptions) run(c *cobra.Command) error {
	if err := o.hardening.begin(); err != nil {
		return err
	}
	policy, err := readPolicy(o.policyPath)
	if err != nil {
		return err
	}
	if o.wait <= 0 {
		return fmt.Errorf("--wait %v: want more than nothing, as in 1m", o.wait)
	}
	password := ""
	if o.passwordFile != "" {
		if password, err = node.ReadSecret(o.passwordFile); err != nil {
			return err
		}
	}
	if o.tls, err = newBrokerTrust(&o.trust, o.broker, o.api, policy.Origin()); err != nil {
		return err
	}
	messages, err := o.sign(policy)
	if err != nil {
		return err // before there is a store
	}
	captures, err := o.captures(policy)
	if err != nil {
		return err
	}
	config := gateway.Config{
		Broker: o.broker, Net: o.net, Org: o.org, ID: o.id, Password: password, Path: o.store, Verify: gateway.VerifyUnder(policy),
	}
	if o.tls != nil {
		config.TLS = o.tls.config()
	}
	g, err := gateway.Open(config)
	if err != nil {
		return err
	}
	for class, all := range map[iot.Class][][]byte{iot.Readings: messages, iot.Events: captures} {
		for _, raw := range all {
			if err := g.Put(o.device, class, raw); err != nil {
				return errors.Join(err, g.Close())
			}
		}
	}
	if err := o.confine(c); err != nil {
		return errors.Join(err, g.Close())
	}
	if o.hardening.explain {
		return errors.Join(printMeasures(c, &o.printer, o.hardening.taken), g.Close())
	}
	return errors.Join(o.forward(c, g), g.Close())
}

// confine keeps the gateway to the folders of its store and its pins, and to the broker and the node's API.
func (o *gatewayOptions) confine(c *cobra.Command) error {
	folders, services := []string{filepath.Dir(o.store)}, []string{o.broker}
	if pins := o.trust.known; pins != nil && pins.path != "" {
		folders = append(folders, filepath.Dir(pins.path))
	}
	if o.api != "" {
		services = append(services, o.api)
	}
	return o.hardening.confine(folders, services, slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil)))
}

// sign makes the messages of the telemetry, none without. A new epoch begins: the device's
// sequence starts again.
func (o *gatewayOptions) sign(policy ledger.Policy) (messages [][]byte, err error) {
	if o.telemetry == "" {
		return nil, nil
	}
	text, err := readInput(o.telemetry)
	if err != nil {
		return nil, err
	}
	samples, err := gateway.ReadTelemetry(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.telemetry, err)
	}
	if o.perMessage < 1 || o.perMessage > senml.MaxInstants {
		return nil, fmt.Errorf("--per-message %d: want 1 to %d", o.perMessage, senml.MaxInstants)
	}
	device, err := o.newDevice(policy)
	if err != nil {
		return nil, err
	}
	if messages, err = device.SignSamples(samples, domain.ClockRTC, o.perMessage); err != nil {
		return nil, fmt.Errorf("%s: %w", o.telemetry, err)
	}
	return messages, nil
}

// captures signs the document of a carrier, none without. It is an epoch of its own.
func (o *gatewayOptions) captures(policy ledger.Policy) ([][]byte, error) {
	if o.capture == "" {
		return nil, nil
	}
	if o.shipment == "" || o.device == "" {
		return nil, errors.New("--shipment and --device are needed to sign a document")
	}
	signer, err := readKey(o.keyPath)
	if err != nil {
		return nil, err
	}
	e, err := readEvents(o.capture, o.dcsa)
	if err != nil {
		return nil, err
	}
	raw, err := e.seal(signer, cmp.Or(o.ledger, policy.Origin()), o.kind, o.shipment)
	return [][]byte{raw}, err
}

func (o *gatewayOptions) newDevice(policy ledger.Policy) (*gateway.Device, error) {
	signer, err := readKey(o.keyPath)
	if err != nil {
		return nil, err
	}
	format, ok := map[string]string{"jws": senml.FormatJWS, "cose": senml.FormatCOSE}[o.format]
	if !ok {
		return nil, fmt.Errorf("--format %s: want jws or cose", o.format)
	}
	return newDevice(signer, senml.Pack{
		Ledger: cmp.Or(o.ledger, policy.Origin()), Kind: domain.Kind(o.kind), Subject: o.shipment, Device: o.device, Epoch: uint64(time.Now().UnixMilli()),
	}, format)
}

func newDevice(signer *envelope.Signer, head senml.Pack, format string) (*gateway.Device, error) {
	if head.Subject == "" || head.Device == "" {
		return nil, errors.New("--shipment and --device are needed to sign telemetry")
	}
	return gateway.NewDevice(signer, head, format)
}

// forward runs the gateway until the store is empty, the wait is over or the context ends.
func (o *gatewayOptions) forward(c *cobra.Command, g *gateway.Gateway) error {
	ctx, cancel := context.WithTimeout(c.Context(), o.wait)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	for look := time.NewTicker(50 * time.Millisecond); ; {
		select {
		case <-look.C:
			if s := g.Stats(); s.Pending == 0 || s.Pending == len(g.Held()) {
				cancel()
			}
			continue
		case err := <-done:
			look.Stop()
			if err != nil {
				return err
			}
		}
		break
	}
	return o.report(c, g)
}

func (o *gatewayOptions) report(c *cobra.Command, g *gateway.Gateway) error {
	held, dropped := g.Held(), 0
	for _, h := range held {
		if !o.dropHeld {
			break
		}
		if err := g.Drop(h.Digest); err != nil {
			return err
		}
		dropped++
	}
	s := g.Stats()
	result := map[string]any{
		"receipts": s.Trimmed, "pending": s.Pending, "published": s.Published, "held": len(held) - dropped, "dropped": dropped,
		"bad_receipts": s.BadReceipts, "connects": s.Connects,
	}
	err := o.printer.print(c, result, func(w io.Writer) {
		fmt.Fprintf(w, "%d messages have a ledger receipt, %d wait in %s\n", s.Trimmed, s.Pending, o.store)
		for _, code := range slices.Sorted(maps.Keys(s.Refused)) {
			fmt.Fprintf(w, "  %d of them were refused: %s\n", s.Refused[code], code)
		}
		for _, h := range held {
			fmt.Fprintf(w, "  a message of %s was quarantined: %s\n", h.Device, h.Code)
		}
		if dropped > 0 {
			fmt.Fprintf(w, "  %d of them were forgotten, as you wished\n", dropped)
		}
	})
	switch {
	case err != nil || s.Pending == 0:
		return err
	case o.tls.why() != nil:
		return fmt.Errorf("%s is not trusted; run again with the same --store: %w", o.broker, o.tls.why())
	case s.Connects == 0:
		return fmt.Errorf("%s was not reached, or refused %s; run again with the same --store", o.broker, o.id)
	case s.BadReceipts > 0:
		return fmt.Errorf("%d receipts do not verify: is %s the policy of this ledger?", s.BadReceipts, o.policyPath)
	}
	return fmt.Errorf("%d messages have no receipt; run again with the same --store", s.Pending)
}
