// bnn_config_gate: takes packets of new memory contents and keeps frames out while they are written.
//
// A packet on s_axis_cfg is 32-bit words: a header, the address, the contents, and the CRC-32 (IEEE
// 802.3, reflected: 0xEDB88320, as zlib's) of all of them, low byte first. The header, from bit 0:
//
//   16 length, in words of contents | 8 order | 8 MAGIC
//
// Order 0 begins a load and 1 ends it (both without contents), 2 brings contents. A load is TOTAL
// words of contents, for all memories in the order of bnn_config_node's chain; the address is the
// number of words that have come before. Words without MAGIC between packets are skipped, so that
// LONGEST + 3 words of 0 in front of a load end whatever was broken off before it, a header that its
// source withdrew included.
//
// A load begins at a frame's end: no frame enters any more, the packet that begins it waits until
// those inside have left, and frames enter again when it has ended. Each packet is kept until its
// CRC is right, then it is written. What is wrong changes nothing: the load is over, and frames go
// on with the old contents if none have been written, else they wait, beyond a reset too, for a load
// that ends right: one that has brought all TOTAL words.
//
// status: bit 0 frames enter; 1 a load is under way; 2 contents are a mixture; 3 a packet is being
// worked on; 7:4 what was wrong first since the last load began (0 nothing, 1 CRC, 2 an address out
// of turn, contents beyond the load's end or none, 3 length above LONGEST, 4 contents or an end
// outside a load, 5 an end before all is written, 6 no such order); 15:8 loads that ended right;
// 23:16 packets refused (both modulo 256).
//
// Frames pass without a register, initiation interval 1. A word of a packet takes 32 cycles, bit by
// bit through the CRC; a packet its length and the chain's more.
module bnn_config_gate #(
    parameter int IN_WORDS = 1,   // words of a frame in
    parameter int LONGEST  = 32,  // words of contents of a packet: a power of two
    parameter int TOTAL    = 1    // words of contents of a load
) (
    input  logic        ap_clk,
    input  logic        ap_rst_n,

    input  logic [31:0] s_axis_cfg_tdata,
    input  logic        s_axis_cfg_tvalid,
    output logic        s_axis_cfg_tready,
    output logic [31:0] status,

    output logic [34:0] cfg_out,  // to the first node: see bnn_config_node
    input  logic [34:0] cfg_in,   // from the last

    input  logic        s_valid,  // frames in
    output logic        s_ready,
    output logic        m_valid,  // to the first layer
    input  logic        m_ready,
    input  logic        frame_out // the last word of a frame leaves
);

  localparam logic [7:0] MAGIC = 8'hB1;
  localparam logic [7:0] BEGIN = 8'd0, END = 8'd1, CONTENTS = 8'd2;
  localparam logic [3:0] CRC = 4'd1, PLACE = 4'd2, LONG = 4'd3, OUTSIDE = 4'd4, PART = 4'd5,
                         ORDER = 4'd6;
  localparam int AT_BITS = $clog2(LONGEST);
  localparam logic [AT_BITS:0] FIRST = -2, ADDRESS = -1;
  localparam int COUNT_BITS = $clog2(TOTAL + 1);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (LONGEST < 4 || LONGEST > 32768 || 2 ** AT_BITS != LONGEST) begin : g_check_1
    $error("bnn_config_gate: LONGEST = %0d is not a power of two from 4 to 32768", LONGEST);
  end
`endif

  // ------------------------------------------------------------------------------ frames

  localparam int POSITION_BITS = IN_WORDS > 1 ? $clog2(IN_WORDS) : 1;
  localparam int HELD_BITS     = 8;   // at its end no frame enters until one has left

  logic open, offered, midway, pass, taken, last_in;
  logic [POSITION_BITS-1:0] position;
  logic [HELD_BITS-1:0] held;

  assign pass    = (open && !(&held)) || midway || offered;
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

  // ------------------------------------------------------------------------------ packets

  typedef enum logic [2:0] {
    HUNT, SKIP, SUM, JUDGE, DRAIN, PLAY, RETURN
  } state_t;

  state_t state;
  logic [31:0] packet[LONGEST];  // contents
  logic [31:0] played;
  logic [31:0] crc;
  logic [4:0] step;
  logic begins, ends, odd, placed, empty, differs, loading, over;
  logic play, played_all, restart;
  logic dirty = 1'b0;  // some contents are new, some old; a reset does not change that
  logic [AT_BITS:0] length;
  logic [AT_BITS:0] at;  // word of the contents; before them FIRST and ADDRESS, then the CRC
  logic [COUNT_BITS-1:0] count;  // words of contents that the load has brought
  logic [3:0] error, fault;
  logic [7:0] loads, refused;
  logic header, last_step, at_sum, now, due, turned, full;
  logic [7:0] order;
  logic [31:0] counted;

  // A word stays on the port while its bits are summed.
  assign last_step = &step;
  assign at_sum    = at == length;
  assign s_axis_cfg_tready = state == SKIP || (state == SUM && last_step);
  assign cfg_out = {restart, played_all, play, played};
  assign status  = {8'b0, refused, loads, error, state != HUNT, dirty, loading, open};
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
      else if (odd || ((begins || ends) && !empty)) fault = ORDER;
      else if (!loading && !begins) fault = OUTSIDE;
      else if (!placed || over || (!begins && !ends && empty)) fault = PLACE;
      else if (ends && !full) fault = PART;
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
      begins <= order == BEGIN;
      ends   <= order == END;
      odd    <= order > CONTENTS;
      empty  <= s_axis_cfg_tdata[15:0] == '0;
      placed <= 1'b1;
    end else if (state == SUM && s_axis_cfg_tvalid && at == ADDRESS && now != due) begin
      placed <= 1'b0;
    end
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
    end else if (state == SUM && s_axis_cfg_tvalid && last_step && !at[AT_BITS] && !at_sum) begin
      count <= count + 1'b1;
      if (full) over <= 1'b1;
    end
  end

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      state   <= HUNT;
      step    <= '0;
      open    <= !dirty;
      loading <= 1'b0;
      error   <= '0;
      loads   <= '0;
      refused <= '0;
    end else if (fault != '0) begin
      error   <= error == '0 ? fault : error;
      refused <= refused + 1'b1;
      loading <= 1'b0;
      open    <= !dirty;
      state   <= state == HUNT ? SKIP : HUNT;
    end else begin
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
          state <= begins ? DRAIN : ends ? HUNT : PLAY;
          if (begins) begin
            loading <= 1'b1;
            open    <= 1'b0;
            error   <= '0;
          end else if (ends) begin
            loading <= 1'b0;
            open    <= 1'b1;
            loads   <= loads + 1'b1;
          end
        end
        DRAIN: if (!midway && !offered && held == '0) state <= HUNT;
        PLAY: begin
          at <= at + 1'b1;
          if (at_sum) state <= RETURN;
        end
        RETURN: if (cfg_in[33]) state <= HUNT;  // all has passed all nodes
        default: state <= HUNT;
      endcase
    end
  end

  always_ff @(posedge ap_clk)
    if (ap_rst_n && fault == '0 && state == JUDGE && !begins) dirty <= !ends;

  logic unused;
  assign unused = &{1'b0, cfg_in};

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(.BITS(1)) u_check (
      .ap_clk, .ap_rst_n, .tdata(1'b0), .tvalid(m_valid), .tready(m_ready)
  );
`endif

endmodule : bnn_config_gate
