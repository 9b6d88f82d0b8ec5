package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

// show prints v as JSON if that was asked for, else what text writes.
func (o *options) show(cmd *cobra.Command, v any, text func(w io.Writer)) error {
	if o.json {
		encoder := json.NewEncoder(cmd.OutOrStdout())
		return encoder.Encode(v)
	}
	text(cmd.OutOrStdout())
	return nil
}

// progress tells on standard error what a long command is doing.
func (o *options) progress(cmd *cobra.Command, format string, args ...any) {
	_, _ = fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
}

func newTable(w io.Writer, header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Options.SeparateRows = false
	t.AppendHeader(header)
	return t
}

// facts prints a list of names and values.
func facts(w io.Writer, pairs ...any) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Options.DrawBorder = false
	t.Style().Options.SeparateColumns = false
	for i := 0; i+1 < len(pairs); i += 2 {
		t.AppendRow(table.Row{pairs[i], pairs[i+1]})
	}
	t.Render()
}

func yes(b bool, whenTrue, whenFalse string) string {
	if b {
		return whenTrue
	}
	return whenFalse
}
