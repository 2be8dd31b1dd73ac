package ubl

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
	"aval/fixtures/trade"
)

func TestAnAnswerIsReadAsItWasWritten(t *testing.T) {
	word := rapid.StringMatching(`[A-Za-z0-9äöå&<>"'.:/-]([A-Za-z0-9äöå&<>"' .:/-]{0,30}[A-Za-z0-9äöå&<>"'.:/-])?`)
	rapid.Check(t, func(t *rapid.T) {
		want := Response{
			ID: word.Draw(t, "id"), Issued: "2026-11-25", Code: rapid.SampledFrom([]string{"AB", "IP", "UQ", "CA", "RE", "AP", "PD"}).Draw(t, "code"),
			Effective: rapid.SampledFrom([]domain.Date{"", "2026-11-26"}).Draw(t, "effective"),
			Invoice:   Reference{ID: word.Draw(t, "invoice"), Date: "2026-11-23", TypeCode: "380"},
			Sender:    Party{Name: word.Draw(t, "sender"), Endpoint: Identifier{Scheme: "0088", Value: "7070001000012"}}, Receiver: Party{Name: word.Draw(t, "receiver")},
			Reasons: []Reason{{List: StatusReason, Code: "QTY", Text: word.Draw(t, "text")}, {List: StatusAction, Code: "CNP"}},
		}
		raw, err := want.Format()
		if err != nil {
			t.Fatal(err)
		}
		d, err := Parse(raw)
		if err != nil || len(d.Exceptions) > 0 || !reflect.DeepEqual(*d.Response, want) {
			t.Fatalf("%v %v: read %+v, want %+v in\n%s", err, d.Exceptions, d.Response, want, raw)
		}
	})
}

func TestAnswersThatSayNothingAreNotWritten(t *testing.T) {
	right := *parsed(t, trade.InvoiceResponse()).Response
	if raw, err := right.Format(); err != nil || !strings.Contains(string(raw), `<cbc:StatusReasonCode listID="OPStatusReason">QTY</cbc:StatusReasonCode>`) {
		t.Errorf("%v\n%s", err, raw)
	}
	for name, spoil := range map[string]func(*Response){
		"no code": func(r *Response) { r.Code = "" }, "an unknown code": func(r *Response) { r.Code = "OK" }, "no reason": func(r *Response) { r.Reasons = nil },
		"a reason in words alone": func(r *Response) { r.Reasons = []Reason{{Text: "too little"}} }, "no ID": func(r *Response) { r.ID = "" },
		"no invoice": func(r *Response) { r.Invoice.ID = "" }, "no sender": func(r *Response) { r.Sender.Name = "" }, "no day": func(r *Response) { r.Issued = "" },
	} {
		answer := right
		spoil(&answer)
		var refusal *domain.Rejection
		if _, err := answer.Format(); !errors.As(err, &refusal) || refusal.Code != domain.Malformed {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, code := range []string{UnderQuery, ConditionallyAccepted, Rejected} {
		raw := strings.NewReplacer(">UQ<", ">"+code+"<", ">QTY<", "><", ">CNP<", "><").Replace(trade.InvoiceResponse())
		if d := parsed(t, raw); !reflect.DeepEqual(rulesOf(d), []string{ruleClarification}) {
			t.Errorf("%s without a reason: %v", code, d.Exceptions)
		}
		if d := parsed(t, strings.Replace(raw, "trns:invoice_response:3", "trns:mlr:3", 1)); len(d.Exceptions) > 0 {
			t.Errorf("%s to a message: %v", code, d.Exceptions)
		}
	}
}
