// bnn_config_gate: takes packets of new memory contents and keeps frames out while they are written.
//
// A packet on s_axis_cfg is 32-bit words: a header, the address, the contents, and the CRC-32 (IEEE
// 802.3, reflected: 0xEDB88320, as zlib's) of all of them, low byte first. The header, from bit 0:
//
//   16 length, in words of contents | 8 order | 8 MAGIC
//
// Order 0 begins the load of a context, whose number is the address, 2 brings contents, and 1 ends
// it. A context is TOTAL words of contents, for all memories in the order of bnn_config_node's chain;
// the address of contents and of the end is the number of words that have come before. With CONTEXTS
// order 3 ends a context as well and goes on with another, whose number is the address. Orders 1 and
// 3 have one word of contents: a name for what has been loaded. Words without MAGIC between packets
// are skipped, so that LONGEST + 3 words of 0 in front of a load end whatever was broken off before
// it, a header that its source withdrew included.
//
// A load begins at a frame's end: no frame with its context enters any more, the packet that begins
// it waits until the frames inside have left, and when all has ended right its contexts are there
// for frames, together. Frames with other contexts enter meanwhile; a frame names one on s_name
// (bnn_frame_repeat), and one for all contexts needs them all. Each packet is kept until its CRC is
// right, then it is written. What is wrong changes nothing: the load is over, and frames go on with
// the old contents of a context if none have been written, else they wait, beyond a reset too, for a
// load that ends right: one that has brought all TOTAL words.
//
// status: bit 0 all frames enter; 1 a load is under way; 2 contents of a context are a mixture, or
// none are there yet where memories start EMPTY; 3 a packet is being worked on; 7:4 what was wrong
// first since the last load began (0 nothing, 1 CRC, 2 an address out of turn, contents beyond a
// context's end or none, no such context, 3 length above LONGEST, 4 contents or an end outside a
// load, 5 an end before all is written, 6 no such order or length, 7 a frame has named a context that
// there is not); 15:8 loads that ended right; 23:16 packets refused (both modulo 256); 31:24 the
// context that was loaded last or is.
//
// loaded: the name of what context `which` holds, from the start that of LOADED_FILE. With CONTEXTS
// it comes one cycle later, and is 0 where the context's contents are a mixture.
//
// Frames pass without a register, initiation interval 1. A word of a packet takes 32 cycles, bit by
// bit through the CRC; a packet its length and the chain's more.
module bnn_config_gate #(
    parameter int IN_WORDS = 1,   // words of a frame in
    parameter int LONGEST  = 32,  // words of contents of a packet: a power of two
    parameter int TOTAL    = 1,   // words of contents of a context
    parameter int CONTEXTS = 1,
    parameter bit EMPTY    = 1'b0, // memories hold nothing at the start: all contexts wait for a load
    parameter     LOADED_FILE = ""  // $readmemh text: a name for each context, 32 bits
) (
    input  logic        ap_clk,
    input  logic        ap_rst_n,

    input  logic [31:0] s_axis_cfg_tdata,
    input  logic        s_axis_cfg_tvalid,
    output logic        s_axis_cfg_tready,
    output logic [31:0] status,
    input  logic [7:0]  which,
    output logic [31:0] loaded,

    output logic [34:0] cfg_out,  // to the first node: see bnn_config_node
    input  logic [34:0] cfg_in,   // from the last

    input  logic        s_valid,  // frames in
    output logic        s_ready,
    input  logic [7:0]  s_name,
    output logic        m_valid,  // to the first layer
    input  logic        m_ready,
    input  logic        frame_out // the last word of a frame leaves
);

  localparam logic [7:0] MAGIC = 8'hB1;
  localparam logic [7:0] BEGIN = 8'd0, END = 8'd1, CONTENTS = 8'd2, NEXT = 8'd3;
  localparam logic [7:0] LAST_ORDER = CONTEXTS > 1 ? NEXT : CONTENTS;
  localparam logic [3:0] CRC = 4'd1, PLACE = 4'd2, LONG = 4'd3, OUTSIDE = 4'd4, PART = 4'd5,
                         ORDER = 4'd6, NAMED = 4'd7;
  localparam int AT_BITS = $clog2(LONGEST);
  localparam logic [AT_BITS:0] FIRST = -2, ADDRESS = -1;
  localparam int COUNT_BITS = $clog2(TOTAL + 1);
  localparam int CONTEXT_BITS = CONTEXTS > 1 ? $clog2(CONTEXTS) : 1;

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (LONGEST < 4 || LONGEST > 32768 || 2 ** AT_BITS != LONGEST) begin : g_check_1
    $error("bnn_config_gate: LONGEST = %0d is not a power of two from 4 to 32768", LONGEST);
  end
  if (CONTEXTS < 1 || CONTEXTS > 255) begin : g_check_2
    $error("bnn_config_gate: CONTEXTS = %0d is not in 1..255", CONTEXTS);
  end
`endif

  typedef enum logic [2:0] {
    HUNT, SKIP, SUM, JUDGE, DRAIN, PLAY, RETURN
  } state_t;

  state_t state;

  // ------------------------------------------------------------------------------ frames

  localparam int POSITION_BITS = IN_WORDS > 1 ? $clog2(IN_WORDS) : 1;
  // At its end no frame enters until one has left; bnn_frame_repeat lets in fewer.
  localparam int HELD_BITS     = CONTEXTS > 1 ? 6 : 8;

  logic waits, offered, midway, pass, taken, last_in;
  logic [CONTEXTS-1:0] closed;      // of the load under way
  // Some contents are new, some old, or none are there; a reset does not change that.
  logic [CONTEXTS-1:0] dirty = {CONTEXTS{EMPTY}};
  logic [POSITION_BITS-1:0] position;
  logic [HELD_BITS-1:0] held;

  assign pass    = (!waits && !(&held)) || midway || offered;
  assign m_valid = s_valid && pass;
  assign s_ready = m_ready && pass;
  assign taken   = m_valid && m_ready;
  assign last_in = IN_WORDS == 1 || position == POSITION_BITS'(IN_WORDS - 1);

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      offered  <= 1'b0;
      midway   <= 1'b0;
      position <= '0;
      held     <= '0;
    end else begin
      offered <= m_valid && !m_ready;  // a word that has been offered stays
      if (taken) begin
        midway   <= !last_in;
        position <= last_in ? '0 : position + 1'b1;
      end
      if ((taken && last_in) != frame_out) held <= frame_out ? held - 1'b1 : held + 1'b1;
    end
  end

  // left: the frames have left that were inside when the load began.
  logic left, misnamed;
  if (CONTEXTS > 1) begin : g_some_wait
    logic [7:0] named;
    logic [HELD_BITS-1:0] ahead;
    logic [CONTEXTS-1:0] kept_out;
    logic counted, all;
    assign named    = s_name - 8'd1;
    assign all      = 32'(named) >= $unsigned(CONTEXTS);
    assign misnamed = taken && !midway && all && s_name != '0;
    assign kept_out = closed | dirty;
    assign waits    = s_valid && (all ? |kept_out : kept_out[CONTEXT_BITS'(named)]);
    assign left     = counted && ahead == '0;
    always_ff @(posedge ap_clk) begin
      counted <= state == DRAIN;
      if (!counted) ahead <= held + HELD_BITS'(midway || offered) - HELD_BITS'(frame_out);
      else if (frame_out && ahead != '0) ahead <= ahead - 1'b1;
    end
  end else begin : g_all_wait
    assign misnamed = 1'b0;
    assign waits    = closed[0] || dirty[0];
    assign left     = !midway && !offered && held == '0;
    logic unused;
    assign unused = &{1'b0, s_name};
  end

  // ------------------------------------------------------------------------------ packets

  logic [31:0] packet[LONGEST];  // contents
  logic [31:0] played;
  logic [31:0] crc;
  logic [4:0] step;
  logic begins, ends, next;  // what the packet does; odd: none of the orders
  logic [1:0] kind;
  logic odd, placed, differs, loading, over;
  logic play, played_all, restart;
  logic [AT_BITS:0] length;
  logic [AT_BITS:0] at;  // word of the contents; before them FIRST and ADDRESS, then the CRC
  logic [COUNT_BITS-1:0] count;  // words of contents that the load has brought
  logic [3:0] error, fault;
  logic [7:0] loads, refused;
  logic header, last_step, at_sum, now, due, turned, full, word_in, empty, single;
  logic [7:0] order;
  logic [31:0] counted;
  logic [CONTEXT_BITS-1:0] coming, target;  // contexts: of the packet, of the contents that come
  logic [CONTEXTS-1:0] coming_bit, target_bit;

  // A word stays on the port while its bits are summed.
  assign last_step = &step;
  assign at_sum    = at == length;
  assign s_axis_cfg_tready = state == SKIP || (state == SUM && last_step);
  assign begins  = kind == BEGIN[1:0];
  assign ends    = kind == END[1:0];
  assign next    = CONTEXTS > 1 && kind == NEXT[1:0];
  assign empty   = length == '0;
  assign single  = length == (AT_BITS + 1)'(1);
  assign word_in = state == SUM && s_axis_cfg_tvalid && last_step;
  assign loading = |closed;
  assign cfg_out = {restart, played_all, play, CONTEXTS > 1 && restart ? 32'(target) : played};
  assign status  = {8'(target), refused, loads, error, state != HUNT, |dirty, loading,
                    !(|(closed | dirty))};
  assign header  = s_axis_cfg_tdata[31:24] == MAGIC;
  assign order   = s_axis_cfg_tdata[23:16];
  assign counted = 32'(count);
  assign full    = count == COUNT_BITS'(TOTAL);

  always_ff @(posedge ap_clk) begin
    if (state == SUM && !at_sum) packet[at[AT_BITS-1:0]] <= s_axis_cfg_tdata;
    played <= packet[at[AT_BITS-1:0]];
  end

  // What is wrong with the header or the packet.
  always_comb begin
    fault = '0;
    if (state == HUNT) begin
      if (s_axis_cfg_tvalid && header && 32'(s_axis_cfg_tdata[15:0]) > $unsigned(LONGEST)) fault = LONG;
    end else if (state == JUDGE) begin
      if (differs) fault = CRC;
      else if (odd || (begins && !empty) || ((ends || next) && !single)) fault = ORDER;
      else if (!loading && !begins) fault = OUTSIDE;
      else if (!placed || over || (!begins && empty)) fault = PLACE;
      else if ((ends || next) && !full) fault = PART;
    end
  end

  // The CRC in its place is the register's complement, bit by bit, and then bits of 0.
  assign now    = s_axis_cfg_tdata[step];
  assign due    = begins ? 1'b0 : counted[step];
  assign turned = !at_sum && (crc[0] ^ now);
  always_ff @(posedge ap_clk) begin
    if (state == HUNT) begin
      crc     <= '1;
      differs <= 1'b0;
    end else if (state == SUM && s_axis_cfg_tvalid) begin
      crc     <= {at_sum, crc[31:1]} ^ (turned ? 32'hEDB88320 : '0);
      differs <= differs || (at_sum && crc[0] == now);
    end
  end

  always_ff @(posedge ap_clk) begin
    if (state == HUNT) begin
      length <= s_axis_cfg_tdata[AT_BITS:0];
      kind   <= order[1:0];
      odd    <= order > LAST_ORDER;
      placed <= 1'b1;
    end else if (state == SUM && s_axis_cfg_tvalid && at == ADDRESS) begin
      if (CONTEXTS > 1 && (begins || next)) begin
        if (s_axis_cfg_tdata >= $unsigned(CONTEXTS)) placed <= 1'b0;
      end else if (now != due) begin
        placed <= 1'b0;
      end
    end
  end

  if (CONTEXTS > 1) begin : g_target
    always_ff @(posedge ap_clk) begin
      if (word_in && at == ADDRESS) coming <= s_axis_cfg_tdata[CONTEXT_BITS-1:0];
      if (!ap_rst_n) target <= '0;
      else if (state == JUDGE && fault == '0 && (begins || next)) target <= coming;
    end
    assign coming_bit = CONTEXTS'(1) << coming;
    assign target_bit = CONTEXTS'(1) << target;
  end else begin : g_one_target
    assign {coming, target}         = '0;
    assign {coming_bit, target_bit} = '1;
  end

  always_ff @(posedge ap_clk) begin
    play       <= state == PLAY && !at_sum;
    played_all <= state == PLAY && at_sum;
    restart    <= state == DRAIN;
  end

  always_ff @(posedge ap_clk) begin
    if (state == HUNT) over <= 1'b0;
    if (state == DRAIN) begin
      count <= '0;
    end else if (word_in && !at[AT_BITS] && !at_sum && !ends && !next) begin
      count <= count + 1'b1;
      if (full) over <= 1'b1;
    end
  end

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      state   <= HUNT;
      step    <= '0;
      closed  <= '0;
      error   <= '0;
      loads   <= '0;
      refused <= '0;
    end else if (fault != '0) begin
      error   <= error == '0 ? fault : error;
      refused <= refused + 1'b1;
      closed  <= '0;
      state   <= state == HUNT ? SKIP : HUNT;
    end else begin
      if (misnamed && error == '0) error <= NAMED;
      case (state)
        HUNT: begin
          at <= FIRST;
          if (s_axis_cfg_tvalid) state <= header ? SUM : SKIP;
        end
        SKIP: state <= HUNT;
        SUM: begin
          if (s_axis_cfg_tvalid) begin
            step <= step + 1'b1;
            if (last_step) begin
              at <= at + 1'b1;
              if (at_sum) state <= JUDGE;
            end
          end
        end
        JUDGE: begin
          at    <= '0;
          state <= begins || next ? DRAIN : ends ? HUNT : PLAY;
          if (begins || next) closed <= coming_bit | (next ? closed : '0);
          if (begins) error <= '0;
          if (ends) begin
            closed <= '0;
            loads  <= loads + 1'b1;
          end
        end
        DRAIN: if (left) state <= HUNT;
        PLAY: begin
          at <= at + 1'b1;
          if (at_sum) state <= RETURN;
        end
        RETURN: if (cfg_in[33]) state <= HUNT;  // all has passed all nodes
        default: state <= HUNT;
      endcase
    end
  end

  logic good, written;
  assign good    = ap_rst_n && fault == '0 && state == JUDGE;
  assign written = good && !begins && !ends && !next;
  always_ff @(posedge ap_clk)
    if (written) dirty <= dirty | target_bit;
    else if (good && ends) dirty <= dirty & ~closed;

  // What the end of a context names it, for the time when its contents are no mixture any more.
  logic name_in;
  assign name_in = word_in && (ends || next) && at == '0 && full && loading;
  logic [31:0] names[CONTEXTS];
  initial $readmemh(LOADED_FILE, names);
  always_ff @(posedge ap_clk) if (name_in) names[target] <= s_axis_cfg_tdata;
  if (CONTEXTS > 1) begin : g_names
    always_ff @(posedge ap_clk) begin
      if (32'(which) >= $unsigned(CONTEXTS) || dirty[CONTEXT_BITS'(which)]) loaded <= '0;
      else loaded <= names[CONTEXT_BITS'(which)];
    end
  end else begin : g_name
    assign loaded = names[0];
    logic unused;
    assign unused = &{1'b0, which};
  end

  logic unused;
  assign unused = &{1'b0, cfg_in};

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(.BITS(1)) u_check (
      .ap_clk, .ap_rst_n, .tdata(1'b0), .tvalid(m_valid), .tready(m_ready)
  );
`endif

endmodule : bnn_config_gate
