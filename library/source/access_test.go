package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretIsShownNowhere(t *testing.T) {
	a := Access{User: "u", Password: "hunter2"}
	wrongVerbs := "%d %t" // vet would say so
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("in", "access", a, "password", a.Password)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("in", "access", a, "password", a.Password)
	for _, out := range []string{
		string(text), log.String(),
		fmt.Sprint(a), fmt.Sprintf("%v %+v %#v", a, a, a), fmt.Sprintf("%s %q %x", a.Password, a.Password, a.Password), fmt.Sprintf(wrongVerbs, a.Password, a.Password),
	} {
		if strings.Contains(out, "hunter2") || strings.Contains(out, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("%q shows the password", out)
		}
	}
	if a.Password.Reveal() != "hunter2" {
		t.Error("and Reveal does not")
	}
}
