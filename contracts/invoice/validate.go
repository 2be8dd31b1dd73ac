package invoice

import (
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"aval/domain"
)

// check refuses terms that contradict themselves, a limit, or the registry. Every refusal is InvalidTerms.
func (t Terms) check(now domain.Millis, registry domain.Registry) error {
	checks := []func() error{
		func() error { return t.checkParties(registry) },
		func() error { return t.checkMoney(now) },
		t.checkTriggers, t.Delivery.check, t.Delivery.Fence.check, t.checkSampling,
		t.Condition.check, t.checkWindows, t.checkShares, t.checkLines, t.Late.check,
		func() error { return t.checkSettlement(registry) }, func() error { return t.checkAuthority(registry) }, t.checkCalendar,
		func() error { return t.Debt.check(t.ExpiresAt, registry) },
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return domain.Refuse(domain.InvalidTerms, format, args...)
}

func (t Terms) checkParties(registry domain.Registry) error {
	named := []domain.PartyID{t.Supplier, t.Buyer}
	roles := []domain.Role{domain.RoleSupplier, domain.RoleBuyer, domain.RoleCarrier}
	if t.Carrier != "" {
		named = append(named, t.Carrier)
	}
	for i, p := range named {
		party, known := registry.Party(p)
		if !known || !slices.Contains(party.Roles, roles[i]) {
			return invalid("%[1]s: must be a registered party with role %[1]s", roles[i])
		}
		if slices.Contains(named[:i], p) {
			return invalid("supplier, buyer and carrier must be different parties")
		}
	}
	if len(t.Operators) == 0 || len(t.Operators) > MaxOperators {
		return invalid("operators: %d parties, want 1 to %d", len(t.Operators), MaxOperators)
	}
	for i, p := range t.Operators {
		if _, known := registry.Party(p); !known || slices.Contains(t.Operators[:i], p) {
			return invalid("operators: number %d is not registered, or stands twice", i+1)
		}
	}
	return nil
}

func (t Terms) checkMoney(now domain.Millis) error {
	if _, err := t.Currency.Exponent(); err != nil {
		return invalid("currency %.10q is not in ISO 4217", string(t.Currency))
	}
	if t.MaxPayable < 1 || t.MaxPayable > domain.MaxMinor {
		return invalid("maxPayable: want 1 to %d minor units", int64(domain.MaxMinor))
	}
	if t.ExpiresAt <= now || t.ExpiresAt > now+10*MaxWindow {
		return invalid("expiresAt: want an instant in the next %d days", 10*MaxWindow/Day)
	}
	return nil
}

func (t Terms) checkTriggers() error {
	known := []Trigger{Delivered, ConditionKept, Accepted, GoodsReceipt, TermsAgreed}
	for i, trigger := range t.Triggers {
		if !slices.Contains(known, trigger) {
			return invalid("triggers: %.20q is not one of %v", string(trigger), known)
		}
		if slices.Contains(t.Triggers[:i], trigger) {
			return invalid("triggers: %s stands twice", trigger)
		}
	}
	if slices.Contains(t.Triggers, TermsAgreed) && len(t.Triggers) > 1 {
		return invalid("triggers: %s stands alone", TermsAgreed)
	}
	if !slices.Contains(t.Triggers, Delivered) && !slices.Contains(t.Triggers, GoodsReceipt) && !slices.Contains(t.Triggers, TermsAgreed) {
		return invalid("triggers: one of %s, %s, %s is needed", Delivered, GoodsReceipt, TermsAgreed)
	}
	if slices.Contains(t.Triggers, ConditionKept) && t.Condition == nil {
		return invalid("triggers: %s needs a condition", ConditionKept)
	}
	return nil
}

// checkSettlement refuses a way to pay that is none, and a bank without an undertaking.
func (t Terms) checkSettlement(registry domain.Registry) error {
	if t.Settlement != "" && t.Settlement != Escrow && t.Settlement != Undertaking && t.Settlement != OpenAccount {
		return invalid("settlement %.20q is not one of %s, %s, %s", string(t.Settlement), Escrow, Undertaking, OpenAccount)
	}
	if (t.Settlement == Undertaking) != (t.Bank != "") {
		return invalid("bank is needed by an undertaking, and by nothing else")
	}
	if t.Bank == "" {
		return nil
	}
	bank, known := registry.Party(t.Bank)
	if !known || !slices.Contains(bank.Roles, domain.RoleBank) || t.party(t.Bank) || t.Bank == t.Carrier {
		return invalid("bank: must be a registered party with role %s, and no other party of the terms", domain.RoleBank)
	}
	return nil
}

// checkAuthority refuses an authority that is a side of the agreement, or unknown.
func (t Terms) checkAuthority(registry domain.Registry) error {
	if t.Authority == "" {
		return nil
	}
	if _, known := registry.Party(t.Authority); !known || t.party(t.Authority) || t.Authority == t.Carrier || t.Authority == t.Bank {
		return invalid("authority: must be a registered party, and no other party of the terms")
	}
	return nil
}

// MaxInspection is the longest inspection that needs no express agreement: 30 days.
const MaxInspection = 30 * Day

// checkCalendar refuses a calendar that ends before the terms do, and a long inspection that was not expressly agreed.
func (t Terms) checkCalendar() error {
	if t.InspectionDays < 0 || t.InspectionDays > int64(MaxWindow/Day) {
		return invalid("inspectionDays: %d, want 0 to %d", t.InspectionDays, int64(MaxWindow/Day))
	}
	if !t.LongInspection && (t.InspectionMillis > MaxInspection || t.InspectionDays > int64(MaxInspection/Day)) {
		return invalid("inspectionMillis and inspectionDays: more than %d days need longInspection", int64(MaxInspection/Day))
	}
	if t.Calendar == nil {
		return nil
	}
	if err := t.Calendar.Check(); err != nil {
		return err
	}
	if last := t.Calendar.Day(t.ExpiresAt); !t.Calendar.Covers(last) {
		return invalid("calendar.through: must reach the day of expiresAt, %s", last)
	}
	return nil
}

func (d Delivery) check() error {
	if d.Proof != ByFence && d.Proof != ByScan && d.Proof != ByAny && d.Proof != ByAll {
		return invalid("delivery.proof %.20q is not one of %s, %s, %s, %s", string(d.Proof), ByFence, ByScan, ByAny, ByAll)
	}
	if d.Proof.needsFence() != (d.Fence != nil) {
		return invalid("delivery.fence is needed by every proof but %s, and by no other", ByScan)
	}
	if d.Dock != "" && (!d.Proof.needsScan() || !printable(d.Dock, MaxDockLength)) {
		return invalid("delivery.dock: want at most %d printable characters, for a proof by scan", MaxDockLength)
	}
	if d.WithinMillis < 1 || d.WithinMillis > MaxWindow || d.GraceMillis < 0 || d.GraceMillis > MaxWindow {
		return invalid("delivery: withinMillis wants 1 to %d, graceMillis 0 to %d", MaxWindow, MaxWindow)
	}
	if d.MinTransitMillis < 0 || d.MinTransitMillis >= d.WithinMillis {
		return invalid("delivery.minTransitMillis must be shorter than withinMillis")
	}
	return nil
}

func (f *Fence) check() error {
	if f == nil {
		return nil
	}
	if !onEarth(f.Latitude, f.Longitude) {
		return invalid("delivery.fence: latitude %d, longitude %d are not 1e-7 degrees on earth", f.Latitude, f.Longitude)
	}
	if f.RadiusMetres < 1 || f.RadiusMetres > MaxRadiusMetres {
		return invalid("delivery.fence.radiusMetres: %d, want 1 to %d", f.RadiusMetres, MaxRadiusMetres)
	}
	if f.Readings < 1 || f.Readings > MaxFenceReadings {
		return invalid("delivery.fence.readings: %d, want 1 to %d", f.Readings, MaxFenceReadings)
	}
	if f.DwellMillis < 0 || f.DwellMillis > MaxWindow {
		return invalid("delivery.fence.dwellMillis: %d, want 0 to %d", int64(f.DwellMillis), MaxWindow)
	}
	return nil
}

func (t Terms) checkSampling() error {
	s := t.Sampling
	if s.IntervalMillis < MinSampling || s.IntervalMillis > MaxSampling {
		return invalid("sampling.intervalMillis: %d, want %d to %d", int64(s.IntervalMillis), int64(MinSampling), int64(MaxSampling))
	}
	if s.MaxGapMillis < 0 || s.MaxGapMillis > MaxWindow {
		return invalid("sampling.maxGapMillis: %d, want 0 to %d", int64(s.MaxGapMillis), int64(MaxWindow))
	}
	if s.WaitMillis < s.IntervalMillis || s.WaitMillis > MaxWindow {
		return invalid("sampling.waitMillis: %d, want one interval to %d", int64(s.WaitMillis), int64(MaxWindow))
	}
	if t.carriage().slices() > MaxSlices {
		return invalid("sampling: withinMillis and graceMillis are together more than %d intervals", MaxSlices*SlotsPerSlice)
	}
	if f := t.Delivery.Fence; f != nil && f.Readings > 1 && s.MaxGapMillis == 0 {
		return invalid("sampling.maxGapMillis: 0 leaves no two positions consecutive")
	}
	return nil
}

// slices is how many slices of samples a device can fill.
func (t Carriage) slices() int64 {
	span, slice := t.Delivery.WithinMillis+t.Delivery.GraceMillis, t.Sampling.IntervalMillis*SlotsPerSlice
	return int64(span/slice) + 1
}

func (c *Condition) check() error {
	if c == nil {
		return nil
	}
	if c.LowerMilli > c.UpperMilli || c.LowerMilli < -MilliDegreeLimit || c.UpperMilli > MilliDegreeLimit {
		return invalid("condition: want lowerMilli <= upperMilli within %d milli-degrees either side of zero", MilliDegreeLimit)
	}
	if c.Consecutive < 1 || c.Consecutive > MaxConsecutive {
		return invalid("condition.consecutive: %d, want 1 to %d", c.Consecutive, MaxConsecutive)
	}
	if _, err := percent("condition.minCoverage", c.MinCoverage); err != nil {
		return err
	}
	if _, err := percent("condition.capPercent", c.CapPercent); err != nil {
		return err
	}
	_, err := plain("condition.rate", c.Rate)
	return err
}

func (t Terms) checkWindows() error {
	if t.InspectionMillis < 1 || t.InspectionMillis > MaxWindow || t.ResponseMillis < 1 || t.ResponseMillis > MaxWindow {
		return invalid("inspectionMillis and responseMillis want 1 to %d", int64(MaxWindow))
	}
	for _, w := range []struct {
		field  string
		millis domain.Millis
	}{{"invoiceMillis", t.InvoiceMillis}, {"receiptMillis", t.ReceiptMillis}, {"claimMillis", t.ClaimMillis}} {
		if w.millis < 0 || w.millis > MaxWindow {
			return invalid("%s: %d, want 0 to %d", w.field, int64(w.millis), int64(MaxWindow))
		}
	}
	if t.PaymentDays < 0 || t.PaymentDays > MaxPaymentDays {
		return invalid("paymentDays: %d, want 0 to %d", t.PaymentDays, MaxPaymentDays)
	}
	return nil
}

func (t Terms) checkShares() error {
	silence, err := percent("silencePercent", t.SilencePercent)
	if err != nil {
		return err
	}
	if silence.Equal(hundred()) {
		return invalid("silencePercent: silence on incomplete evidence never pays in full, want less than 100")
	}
	_, err = percent("disputePercent", t.DisputePercent)
	return err
}

// plain reads a decimal of at most 9 digits before the point and 6 after it, without sign or exponent.
func plain(field, text string) (decimal.Decimal, error) {
	whole, fraction, dotted := strings.Cut(text, ".")
	if whole == "" || len(whole) > 9 || len(fraction) > 6 || dotted == (fraction == "") || strings.Trim(whole+fraction, "0123456789") != "" {
		return decimal.Zero, invalid("%s %.20q: want plain decimal text, at most 9 digits and 6 decimals", field, text)
	}
	d, err := decimal.NewFromString(text)
	if err != nil {
		return decimal.Zero, invalid("%s %.20q: want plain decimal text", field, text)
	}
	return d, nil
}

func percent(field, text string) (decimal.Decimal, error) {
	d, err := plain(field, text)
	if err == nil && d.GreaterThan(hundred()) {
		err = invalid("%s %.20q: want 0 to 100", field, text)
	}
	return d, err
}

func hundred() decimal.Decimal { return decimal.New(100, 0) }

// printable says whether text is 1 to limit visible ASCII characters or inner spaces.
func printable(text string, limit int) bool {
	if text == "" || len(text) > limit || strings.TrimSpace(text) != text {
		return false
	}
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
