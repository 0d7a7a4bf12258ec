package plan

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"strconv"
)

// evaluator evaluates the text of a formula over named values: numbers,
// variables, + - * / and a few functions.
type evaluator map[string]float64

var errText = errors.New("the text of no formula")

func (v evaluator) evaluate(text string) (float64, error) {
	tree, err := parser.ParseExpr(text)
	if err != nil {
		return 0, err
	}
	return v.eval(tree)
}

func (v evaluator) eval(e ast.Expr) (float64, error) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return v.eval(e.X)
	case *ast.BasicLit:
		return strconv.ParseFloat(e.Value, 64)
	case *ast.Ident:
		if value, ok := v[e.Name]; ok {
			return value, nil
		}
		return 0, fmt.Errorf("no variable %s: %w", e.Name, errText)
	case *ast.BinaryExpr:
		return v.binary(e)
	case *ast.CallExpr:
		return v.call(e)
	}
	return 0, fmt.Errorf("a %T: %w", e, errText)
}

func (v evaluator) binary(e *ast.BinaryExpr) (float64, error) {
	x, err := v.eval(e.X)
	if err != nil {
		return 0, err
	}
	y, err := v.eval(e.Y)
	if err != nil {
		return 0, err
	}
	switch e.Op {
	case token.ADD:
		return x + y, nil
	case token.SUB:
		return x - y, nil
	case token.MUL:
		return x * y, nil
	case token.QUO:
		return x / y, nil
	}
	return 0, fmt.Errorf("the operator %s: %w", e.Op, errText)
}

func (v evaluator) call(e *ast.CallExpr) (float64, error) {
	var args [2]float64
	if len(e.Args) > len(args) {
		return 0, fmt.Errorf("a function of %d numbers: %w", len(e.Args), errText)
	}
	for i, arg := range e.Args {
		var err error
		if args[i], err = v.eval(arg); err != nil {
			return 0, err
		}
	}
	name, _ := e.Fun.(*ast.Ident)
	switch fmt.Sprint(name, len(e.Args)) {
	case "ceil 1":
		return math.Ceil(args[0]), nil
	case "floor 1":
		return math.Floor(args[0]), nil
	case "log 1":
		return math.Log(args[0]), nil
	case "min 2":
		return min(args[0], args[1]), nil
	case "max 2":
		return max(args[0], args[1]), nil
	}
	return 0, fmt.Errorf("the function %v of %d numbers: %w", name, len(e.Args), errText)
}
