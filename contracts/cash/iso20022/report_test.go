package iso20022_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"aval/contracts/cash/iso20022"
	"aval/domain"
)

const pain002 = `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>
<GrpHdr><MsgId>R-1</MsgId><CreDtTm>2026-02-26T10:00:00Z</CreDtTm></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>M-1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>B-1</OrgnlPmtInfId><PmtInfSts>PART</PmtInfSts>
<TxInfAndSts><OrgnlInstrId>I-1</OrgnlInstrId><OrgnlEndToEndId>A</OrgnlEndToEndId><OrgnlUETR>3f1d0c2b-4a59-4877-8695-a4b3c2d1e0f1</OrgnlUETR><TxSts>ACSC</TxSts>
<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">10.00</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>
<TxInfAndSts><OrgnlEndToEndId>B</OrgnlEndToEndId><TxSts>RJCT</TxSts>
<StsRsnInf><Rsn><Cd>AM04</Cd></Rsn><AddtlInf>no funds</AddtlInf></StsRsnInf><StsRsnInf><Rsn><Prtry>own</Prtry></Rsn><AddtlInf>at all</AddtlInf></StsRsnInf></TxInfAndSts>
</OrgnlPmtInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>B-2</OrgnlPmtInfId><PmtInfSts>ACSP</PmtInfSts></OrgnlPmtInfAndSts>
</CstmrPmtStsRpt></Document>`

func TestAReportIsReadWhole(t *testing.T) {
	r, err := iso20022.ParseReport([]byte(pain002))
	if err != nil {
		t.Fatal(err)
	}
	a := r.Blocks[0].Transactions[0]
	if r.MessageID != "R-1" || r.OriginalMessageID != "M-1" || r.Version != "pain.002.001.10" || a.UETR != "3f1d0c2b-4a59-4877-8695-a4b3c2d1e0f1" || a.Amount != eur(1000) || a.InstructionID != "I-1" {
		t.Errorf("read %+v", r)
	}
	r.Blocks[0].Transactions[1].UETR = "u"
	if !r.Blocks[0].Transactions[1].About("B", "") || r.Blocks[0].Transactions[1].About("C", "u") || !(iso20022.TransactionWord{UETR: "u"}).About("C", "u") {
		t.Error("an end-to-end ID that is given counts before a UETR")
	}
	for _, c := range []struct {
		id, block string
		want      iso20022.Word
	}{
		{"A", "B-1", iso20022.Word{Status: "ACSC"}},
		{"B", "B-1", iso20022.Word{Status: "RJCT", Reason: "AM04", Text: "no funds at all"}},
		{"C", "B-1", iso20022.Word{Status: "PART"}}, // not listed: nobody may guess
		{"C", "B-2", iso20022.Word{Status: "ACSP"}},
		{"C", "B-3", iso20022.Word{Status: "PART"}},
	} {
		if got := r.WordOn(c.id, "", c.block); got.Word != c.want || got.Path == "" {
			t.Errorf("%s in %s: %+v, want %+v", c.id, c.block, got, c.want)
		}
	}
}

func TestOutcomes(t *testing.T) {
	for outcome, codes := range map[iso20022.Outcome]string{
		iso20022.InProgress: "RCVD PDNG ACTC PATC ACCP ACFC ACSP ACWC ACWP PRES BLCK",
		iso20022.Paid:       "ACSC ACCC", iso20022.Rejected: "RJCT CANC", iso20022.Silent: "PART", iso20022.Unknown: "XXXX acsc",
	} {
		for code := range strings.FieldsSeq(codes) {
			if got := iso20022.OutcomeOf(code); got != outcome {
				t.Errorf("%s is %s, want %s", code, got, outcome)
			}
		}
	}
	if iso20022.OutcomeOf("") != iso20022.Silent {
		t.Error("no status says something")
	}
}

func TestReportsRefuse(t *testing.T) {
	change := func(from, to string) []byte { return []byte(strings.Replace(pain002, from, to, 1)) }
	for name, c := range map[string]struct {
		document []byte
		want     string
	}{
		"an older version":   {change("pain.002.001.10", "pain.002.001.02"), "want a Document"},
		"bookings":           {camt("08"), "a camt.054, want a pain.002"},
		"no message ID":      {change("<MsgId>R-1</MsgId>", ""), "GrpHdr/MsgId: missing"},
		"no original":        {change("<OrgnlMsgId>M-1</OrgnlMsgId>", ""), "OrgnlGrpInfAndSts/OrgnlMsgId: missing"},
		"two originals":      {change("<OrgnlMsgId>", "<OrgnlMsgId>M-0</OrgnlMsgId><OrgnlMsgId>"), "OrgnlMsgId: given twice"},
		"two statuses":       {change("<TxSts>", "<TxSts>ACSC</TxSts><TxSts>"), "TxSts: given twice"},
		"two words":          {change("<OrgnlEndToEndId>B<", "<OrgnlEndToEndId>A<"), "OrgnlPmtInfAndSts[1]/TxInfAndSts[2]: a second word on one end-to-end ID"},
		"no code":            {change("ACSC", "accepted"), "OrgnlPmtInfAndSts[1]/TxInfAndSts[1]/TxSts: not a code"},
		"no block ID":        {change("B-2", ""), "OrgnlPmtInfAndSts[2]/OrgnlPmtInfId: missing"},
		"amount in exponent": {change("10.00", "1e1"), "an exponent"},
		"no report":          {[]byte(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"/>`), "OrgnlGrpInfAndSts: missing"},
	} {
		_, err := iso20022.ParseReport(c.document)
		var r *domain.Rejection
		if !errors.As(err, &r) || !strings.Contains(r.Detail, c.want) {
			t.Errorf("%s: %v, want ...%s", name, err, c.want)
		}
	}
}

func TestSamplesOfReports(t *testing.T) {
	want := map[string]string{
		"pain_002_v3_accepted.xml":         "10280093XXXX : GSDGFKfLURaHb ACCP NARR",
		"pain_002_v3_group_accepted.xml":   "CLIENT NAME_2023-09-06:04 ACTC",
		"pain_002_v3_group_reject.xml":     "MSGID-PS-TEST-0708-01 RJCT DU01",
		"pain_002_v3_payment_accepted.xml": "XXX001_20220315_B_DZSOXXXX : xxx001220315B000XXXX ACCP NARR",
		"pain_002_v3_payment_reject.xml":   "MSGID-COM-SCE25-1707-01 : PMTINFID-COM-SCE25-1707-01 RJCT NARR",
		"pain_002_v3_txn_reject.xml":       "MSGID-950-TEST2-2807-01 : PMTINFID-950-TEST2-2807-01 RJCT : ENDTOENDID-950-TEST2-2807-02 RJCT NARR : ENDTOENDID-950-TEST2-2807-01 RJCT NARR",
	}
	for name, raw := range samples(t, "pain_002*.xml") {
		r, err := iso20022.ParseReport(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := strings.TrimSpace(fmt.Sprintf("%s %s %s", r.OriginalMessageID, r.Group.Status, r.Group.Reason))
		for _, b := range r.Blocks {
			if b.Status != "" {
				got += strings.TrimRight(fmt.Sprintf(" : %s %s %s", b.PaymentInfoID, b.Status, b.Reason), " ")
			}
			for _, x := range b.Transactions {
				got += fmt.Sprintf(" : %s %s %s", x.EndToEndID, x.Status, x.Reason)
			}
		}
		if w, known := want[name]; known && got != w {
			t.Errorf("%s:\n got %s\nwant %s", name, got, w)
		}
	}
}

// TestOurExamplesAreValidBySchema: what these tests read, banks could have sent.
func TestOurExamplesAreValidBySchema(t *testing.T) {
	dir := t.TempDir()
	validate(t, dir, schema(t, "pain.002.001.10.xsd"), []byte(pain002))
	validate(t, dir, schema(t, "camt.054.001.08.xsd"), camt("08", entry("6", "DBIT", details("A", "1", "")+details("NOTPROVIDED", "5", ""))))
	validate(t, dir, schema(t, "camt.054.001.02.xsd"), camt("02", `<Ntry><Amt Ccy="JPY">2</Amt><CdtDbtInd>CRDT</CdtDbtInd><RvslInd>true</RvslInd><Sts>BOOK</Sts><BkTxCd/></Ntry>`))
}

func FuzzParseReport(f *testing.F) {
	f.Add([]byte(pain002))
	f.Add([]byte(strings.Replace(pain002, "pain.002.001.10", "pain.002.001.03", 1)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := iso20022.ParseReport(raw)
		var refusal *domain.Rejection
		if err != nil && !errors.As(err, &refusal) {
			t.Errorf("%v is no Rejection", err)
		}
		if err == nil && (r.MessageID == "" || r.OriginalMessageID == "" || len(r.Group.Text) > 140) {
			t.Errorf("read %+v", r)
		}
	})
}
