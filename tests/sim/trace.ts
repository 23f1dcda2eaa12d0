/**
 * What happened, line by line. Off by default: a line is only made when someone
 * wants to read it.
 */
export class Trace {
  readonly isOn: boolean;
  readonly lines: string[] = [];
  readonly #print: ((line: string) => void) | undefined;

  constructor(
    options: { mode: "off" | "keep"; print?: (line: string) => void },
  ) {
    this.isOn = options.mode === "keep" || options.print !== undefined;
    this.#print = options.print;
  }

  add(line: () => string): void {
    if (!this.isOn) return;
    if (this.#print) this.#print(line());
    else this.lines.push(line());
  }
}
