// bnn_shell: AXI4-Lite registers, read and write DMA and interrupt around a core with AXI4-Stream ports.
//
//   memory -> bnn_read_dma -> bnn_word_unpack -> core -> bnn_word_pack -> bnn_write_dma -> memory
//
// One AXI4 memory port of DATA_BITS (64 for Zynq-7000's HP0, 128 for UltraScale+'s HP0_FPD) with addresses
// of ADDR_BITS (32, 40); one clock for all. The core is outside, between m_axis_* (words to it) and
// s_axis_* (words from it), with a reset of its own (bnn_shell_control). CONFIG = 1: it takes weights at run
// time, from a queue of 64 words that register CONFIG fills, and frames of a run name a context on
// m_axis_tuser.
// Registers: regs.yaml. Words in memory: bnn_word_unpack. tlast is not used: words are counted.
module bnn_shell #(
    parameter int        DATA_BITS  = 64,
    parameter int        ADDR_BITS  = 32,
    parameter int        IN_BYTES   = 1,       // of a word of the core's input; its stride in memory
    parameter int        IN_STRIDE  = 1,
    parameter int        OUT_BYTES  = 1,
    parameter int        OUT_STRIDE = 1,
    parameter bit [63:0] MODEL      = '0,      // hash that register MODEL reads
    parameter int        BURST      = 16,
    parameter int        FIFO_BEATS = 256,
    parameter bit        CONFIG     = 1'b0
) (
    input  logic                   ap_clk,
    input  logic                   ap_rst_n,
    output logic                   irq,

    input  logic [11:0]            s_axi_control_awaddr,
    input  logic                   s_axi_control_awvalid,
    output logic                   s_axi_control_awready,
    input  logic [31:0]            s_axi_control_wdata,
    input  logic [3:0]             s_axi_control_wstrb,
    input  logic                   s_axi_control_wvalid,
    output logic                   s_axi_control_wready,
    output logic [1:0]             s_axi_control_bresp,
    output logic                   s_axi_control_bvalid,
    input  logic                   s_axi_control_bready,
    input  logic [11:0]            s_axi_control_araddr,
    input  logic                   s_axi_control_arvalid,
    output logic                   s_axi_control_arready,
    output logic [31:0]            s_axi_control_rdata,
    output logic [1:0]             s_axi_control_rresp,
    output logic                   s_axi_control_rvalid,
    input  logic                   s_axi_control_rready,

    output logic [ADDR_BITS-1:0]   m_axi_awaddr,
    output logic [7:0]             m_axi_awlen,
    output logic                   m_axi_awvalid,
    input  logic                   m_axi_awready,
    output logic [DATA_BITS-1:0]   m_axi_wdata,
    output logic [DATA_BITS/8-1:0] m_axi_wstrb,
    output logic                   m_axi_wlast,
    output logic                   m_axi_wvalid,
    input  logic                   m_axi_wready,
    input  logic [1:0]             m_axi_bresp,
    input  logic                   m_axi_bvalid,
    output logic                   m_axi_bready,
    output logic [ADDR_BITS-1:0]   m_axi_araddr,
    output logic [7:0]             m_axi_arlen,
    output logic                   m_axi_arvalid,
    input  logic                   m_axi_arready,
    input  logic [DATA_BITS-1:0]   m_axi_rdata,
    input  logic [1:0]             m_axi_rresp,
    input  logic                   m_axi_rlast,
    input  logic                   m_axi_rvalid,
    output logic                   m_axi_rready,

    output logic                   core_rst_n,
    output logic [31:0]            m_axis_cfg_tdata,
    output logic                   m_axis_cfg_tvalid,
    input  logic                   m_axis_cfg_tready,
    input  logic [31:0]            cfg_status,
    output logic [7:0]             cfg_context,
    input  logic [31:0]            cfg_loaded,
    output logic [7:0]             m_axis_tuser,
    output logic [8*IN_BYTES-1:0]  m_axis_tdata,
    output logic                   m_axis_tvalid,
    input  logic                   m_axis_tready,
    input  logic [8*OUT_BYTES-1:0] s_axis_tdata,
    input  logic                   s_axis_tvalid,
    output logic                   s_axis_tready
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (DATA_BITS != 32 && DATA_BITS != 64 && DATA_BITS != 128) begin : g_check_1
    $error("bnn_shell: DATA_BITS = %0d must be 32, 64 or 128", DATA_BITS);
  end
  if (ADDR_BITS < 32 || ADDR_BITS > 62) begin : g_check_2
    $error("bnn_shell: ADDR_BITS = %0d must be in 32..62", ADDR_BITS);
  end
`endif

  localparam int BEAT_BYTES  = DATA_BITS / 8;
  localparam int BEAT_BITS   = ADDR_BITS - $clog2(BEAT_BYTES);

  logic start, abort, idle, aborting, ended, engine_rst_n, launch, stop;
  logic read_idle, write_idle, write_done;
  logic [1:0] read_error, write_error;
  logic [63:0] source, target, cycles;
  logic [31:0] source_words, target_words, words_in, words_out, in_words, out_words;
  logic [bnn_shell_regs::STATUS_BITS-1:0] status;
  logic [BEAT_BITS-1:0] in_place, out_place;
  logic [BEAT_BITS:0] in_beats, out_beats;
  logic [BEAT_BYTES-1:0] last_strobe;
  logic [DATA_BITS-1:0] in_beat, out_beat;
  logic in_beat_valid, in_beat_ready, out_beat_valid, out_beat_ready;

  logic config_push, config_busy;
  logic [31:0] config_word, config_status, config_loaded;
  logic [7:0] config_room;

  if (CONFIG) begin : g_config
    localparam logic [7:0] ROOM = 8'd64;
    localparam int UNDER_WAY = 1, AT_WORK = 3;  // bits of the status
    logic push, pop, ready;
    assign push          = config_push && config_room != '0;
    assign pop           = m_axis_cfg_tvalid && m_axis_cfg_tready;
    assign config_status = cfg_status;
    assign config_loaded = cfg_loaded;
    assign config_busy   = config_room != ROOM || cfg_status[UNDER_WAY] || cfg_status[AT_WORK];
    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) config_room <= ROOM;
      else if (push != pop) config_room <= push ? config_room - 1'b1 : config_room + 1'b1;
    end
    bnn_fifo #(.BITS(32), .DEPTH(64)) queue (
        .ap_clk, .ap_rst_n,
        .s_axis_tdata(config_word), .s_axis_tvalid(push), .s_axis_tready(ready),
        .m_axis_tdata(m_axis_cfg_tdata), .m_axis_tvalid(m_axis_cfg_tvalid),
        .m_axis_tready(m_axis_cfg_tready)
    );
    logic unused_ready;
    assign unused_ready = &{1'b0, ready};  // there is room
  end else begin : g_no_config
    assign {config_room, config_status, config_loaded, config_busy} = '0;
    assign {m_axis_cfg_tdata, m_axis_cfg_tvalid} = '0;
    logic unused_config;
    assign unused_config = &{1'b0, m_axis_cfg_tready, cfg_status, cfg_loaded, config_push, config_word};
  end

  bnn_shell_registers #(
      .DATA_BITS(DATA_BITS), .ADDR_BITS(ADDR_BITS), .IN_STRIDE(IN_STRIDE), .OUT_STRIDE(OUT_STRIDE),
      .MODEL(MODEL), .CONFIG(CONFIG)
  ) registers (
      .ap_clk, .ap_rst_n, .irq,
      .s_axi_awaddr(s_axi_control_awaddr), .s_axi_awvalid(s_axi_control_awvalid),
      .s_axi_awready(s_axi_control_awready), .s_axi_wdata(s_axi_control_wdata),
      .s_axi_wstrb(s_axi_control_wstrb), .s_axi_wvalid(s_axi_control_wvalid),
      .s_axi_wready(s_axi_control_wready), .s_axi_bresp(s_axi_control_bresp),
      .s_axi_bvalid(s_axi_control_bvalid), .s_axi_bready(s_axi_control_bready),
      .s_axi_araddr(s_axi_control_araddr), .s_axi_arvalid(s_axi_control_arvalid),
      .s_axi_arready(s_axi_control_arready), .s_axi_rdata(s_axi_control_rdata),
      .s_axi_rresp(s_axi_control_rresp), .s_axi_rvalid(s_axi_control_rvalid),
      .s_axi_rready(s_axi_control_rready),
      .start, .abort, .source, .source_words, .target, .target_words, .idle, .aborting, .ended,
      .status, .cycles, .words_in, .words_out,
      .config_push, .config_word, .config_room, .config_status, .config_loaded,
      .frame_name(m_axis_tuser), .asked(cfg_context)
  );

  bnn_shell_control #(
      .DATA_BITS(DATA_BITS), .ADDR_BITS(ADDR_BITS), .IN_STRIDE(IN_STRIDE), .OUT_STRIDE(OUT_STRIDE),
      .AWAKE(CONFIG)
  ) control (
      .ap_clk, .ap_rst_n, .start, .abort, .source, .source_words, .target, .target_words,
      .idle, .aborting, .ended, .status, .cycles, .words_in, .words_out,
      .engine_rst_n, .core_rst_n, .config_busy, .launch, .stop, .in_words, .out_words, .in_place, .out_place, .in_beats,
      .out_beats, .last_strobe,
      .word_in(m_axis_tvalid && m_axis_tready), .word_out(s_axis_tvalid && s_axis_tready),
      .read_idle, .read_error, .write_done, .write_idle, .write_error
  );

  bnn_read_dma #(
      .DATA_BITS(DATA_BITS), .ADDR_BITS(ADDR_BITS), .BURST(BURST), .FIFO_BEATS(FIFO_BEATS)
  ) reader (
      .ap_clk, .ap_rst_n(engine_rst_n), .start(launch), .place(in_place), .beats(in_beats), .stop,
      .idle(read_idle), .error(read_error),
      .ar_addr(m_axi_araddr), .ar_len(m_axi_arlen), .ar_valid(m_axi_arvalid), .ar_ready(m_axi_arready),
      .r_data(m_axi_rdata), .r_resp(m_axi_rresp), .r_valid(m_axi_rvalid), .r_ready(m_axi_rready),
      .beat_data(in_beat), .beat_valid(in_beat_valid), .beat_ready(in_beat_ready)
  );

  bnn_word_unpack #(.BEAT_BYTES(BEAT_BYTES), .WORD_BYTES(IN_BYTES), .STRIDE(IN_STRIDE)) unpack (
      .ap_clk, .ap_rst_n(engine_rst_n), .start(launch), .words(in_words),
      .beat_data(in_beat), .beat_valid(in_beat_valid), .beat_ready(in_beat_ready),
      .word_data(m_axis_tdata), .word_valid(m_axis_tvalid), .word_ready(m_axis_tready)
  );

  bnn_word_pack #(.BEAT_BYTES(BEAT_BYTES), .WORD_BYTES(OUT_BYTES), .STRIDE(OUT_STRIDE)) pack (
      .ap_clk, .ap_rst_n(engine_rst_n), .start(launch), .words(out_words),
      .word_data(s_axis_tdata), .word_valid(s_axis_tvalid), .word_ready(s_axis_tready),
      .beat_data(out_beat), .beat_valid(out_beat_valid), .beat_ready(out_beat_ready)
  );

  bnn_write_dma #(
      .DATA_BITS(DATA_BITS), .ADDR_BITS(ADDR_BITS), .BURST(BURST), .FIFO_BEATS(FIFO_BEATS)
  ) writer (
      .ap_clk, .ap_rst_n(engine_rst_n), .start(launch), .place(out_place), .beats(out_beats),
      .last_strobe, .stop, .done(write_done), .idle(write_idle), .error(write_error),
      .beat_data(out_beat), .beat_valid(out_beat_valid), .beat_ready(out_beat_ready),
      .aw_addr(m_axi_awaddr), .aw_len(m_axi_awlen), .aw_valid(m_axi_awvalid), .aw_ready(m_axi_awready),
      .w_data(m_axi_wdata), .w_strb(m_axi_wstrb), .w_last(m_axi_wlast), .w_valid(m_axi_wvalid),
      .w_ready(m_axi_wready), .b_resp(m_axi_bresp), .b_valid(m_axi_bvalid), .b_ready(m_axi_bready)
  );

  logic unused;
  assign unused = m_axi_rlast;  // beats are counted

`ifdef HW_BNN_CHECK
  bnn_axi_checker #(.DATA_BITS(DATA_BITS), .ADDR_BITS(ADDR_BITS), .BURST(BURST)) check (
      .ap_clk, .ap_rst_n, .idle,
      .aw_addr(m_axi_awaddr), .aw_len(m_axi_awlen),
      .aw_valid(m_axi_awvalid), .aw_ready(m_axi_awready), .w_data(m_axi_wdata), .w_strb(m_axi_wstrb),
      .w_last(m_axi_wlast), .w_valid(m_axi_wvalid), .w_ready(m_axi_wready), .b_valid(m_axi_bvalid),
      .b_ready(m_axi_bready), .ar_addr(m_axi_araddr), .ar_len(m_axi_arlen), .ar_valid(m_axi_arvalid),
      .ar_ready(m_axi_arready), .r_last(m_axi_rlast), .r_valid(m_axi_rvalid), .r_ready(m_axi_rready)
  );
`endif

endmodule : bnn_shell
