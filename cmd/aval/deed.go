package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"aval/contracts/invoice"
	"aval/domain"
	"aval/ledger"
)

// deed is one command of a financing and what is told after it.
type deed struct {
	submitter submitter
	// told is what is printed after a command whose sender sees no record of it.
	told string
}

func (d *deed) flags(c *cobra.Command) {
	d.submitter.remote.flags(c)
	d.submitter.printer.flag(c)
}

// outcome is what a person, or a program, is told: the record as it stands, and who has the word.
type outcome struct {
	Index   uint64          `json:"index,omitempty"`
	Record  string          `json:"record"`
	Status  string          `json:"status"`
	Awaited awaited         `json:"awaited"`
	Fields  json.RawMessage `json:"fields"`
}

// awaited says what is waited for, from whom, and until when; all empty if nothing is.
type awaited struct {
	What string         `json:"what,omitempty"`
	From domain.PartyID `json:"from,omitempty"`
	By   string         `json:"by,omitempty"`
}

// do signs and sends one command of kind invoice/1, and looks at the record afterwards.
func (d *deed) do(c *cobra.Command, contract, name string, body any, key string) error {
	return d.submitter.session(c, func(ctx context.Context) error {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		if text, err = json.Marshal(request{Kind: invoice.Kind, Contract: contract, Name: name, Body: text}); err != nil {
			return err
		}
		jws, err := d.submitter.sign(ctx, text)
		if err != nil {
			return err
		}
		reply, err := d.submitter.client.Submit(ctx, jws, ledger.ForReceipt)
		if err != nil {
			return d.open(jws, reply, err)
		}
		if d.told != "" {
			return d.submitter.printer.print(c, reply, func(w io.Writer) { fmt.Fprintln(w, d.told) })
		}
		return d.tell(ctx, c, key, reply.Index)
	})
}

// open keeps a signed command whose outcome is not known.
func (d *deed) open(jws []byte, reply ledger.Reply, cause error) error {
	command, err := openSubmission(jws)
	if err == nil && reply.ID == "" && unanswered(cause) {
		return d.submitter.keep(jws, command.ID, cause)
	}
	return cause
}

func (d *deed) look(c *cobra.Command, key string) error {
	return d.submitter.session(c, func(ctx context.Context) error { return d.tell(ctx, c, key, 0) })
}

// tell reads a record as the key's party and says how things stand.
func (d *deed) tell(ctx context.Context, c *cobra.Command, key string, index uint64) error {
	reader, err := d.submitter.remote.connect(ctx)
	if err != nil {
		return err
	}
	body, err := reader.Get(ctx, "/v1/contracts/"+string(domain.NewRecordID(invoice.Kind, key)))
	if err != nil {
		if index > 0 {
			return fmt.Errorf("booked at index %d, but the record cannot be read: %w", index, err)
		}
		return err
	}
	var view struct {
		Status string          `json:"status"`
		Fields json.RawMessage `json:"fields"`
	}
	if err := json.Unmarshal(body, &view); err != nil {
		return errors.New("the node's answer is no record")
	}
	o := outcome{Index: index, Record: key, Status: view.Status, Fields: view.Fields}
	var details []string
	details, o.Awaited, err = standing(key, view.Status, view.Fields)
	if err != nil {
		return err
	}
	return d.submitter.printer.print(c, o, func(w io.Writer) { o.write(w, details) })
}

func (o outcome) write(w io.Writer, details []string) {
	fmt.Fprintf(w, "%s is %s", o.Record, o.Status)
	if o.Index > 0 {
		fmt.Fprintf(w, ", booked at index %d", o.Index)
	}
	fmt.Fprintln(w)
	for _, line := range details {
		fmt.Fprintln(w, "  "+line)
	}
	switch {
	case o.Awaited.What == "":
		fmt.Fprintln(w, "awaited: nothing")
	case o.Awaited.By != "":
		fmt.Fprintf(w, "awaited: %s, from %s, by %s\n", o.Awaited.What, o.Awaited.From, o.Awaited.By)
	default:
		fmt.Fprintf(w, "awaited: %s, from %s\n", o.Awaited.What, o.Awaited.From)
	}
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// send is do for a command after which its sender may read no record.
func (d *deed) send(c *cobra.Command, contract, name string, body any, told string) error {
	d.told = told
	return d.do(c, contract, name, body, "")
}
